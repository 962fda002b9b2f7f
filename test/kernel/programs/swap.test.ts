import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { count, type HistogramValue } from './counting.ts';
import { noFunctions } from './file-system.ts';
import { betweenStops } from './stopping.ts';

const pages = 997;
const probe = isKernelSince(6, 10) ? 'folio_kprobe' : 'page_kprobe';
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

type Numbers = ReadonlyMap<string, number>;
type Counted = readonly [reads: Numbers, latency: HistogramValue, lost: readonly Numbers[]];

/** 16 MiB of compressed memory to swap to, until it is disposed: what is swapped out there leaves memory at once. */
function swapDevice(): Disposable {
  const [device = ''] = readdirSync('/sys/block').filter((name) => name.startsWith('zram'));
  writeFileSync(`/sys/block/${device}/disksize`, '16M');
  execFileSync('mkswap', [`/dev/${device}`], { env, stdio: 'ignore' });
  execFileSync('swapon', [`/dev/${device}`], { env });
  return {
    [Symbol.dispose]() {
      execFileSync('swapoff', [`/dev/${device}`], { env });
      writeFileSync(`/sys/block/${device}/reset`, '1');
    },
  };
}

for (const way of ['fentry', 'kprobe']) {
  test(`pages read from swap space are counted by who reads, and waits for them measured: by ${way}`, {
    skip: noFunctions,
  }, async () => {
    using _swap = swapDevice();
    const ways = way === 'fentry' ? {} : { do_swap_page: way, swap_read: probe };
    const attach = () => count('swap', { ways });
    const [reads, latency, lost] = await betweenStops(
      'swap-in',
      pages,
      attach,
      async (swap): Promise<Counted> => [
        await swap.numbers('swap.reads'),
        (await swap.histograms('swap.fault.latency')).get('')!,
        [await swap.numbers('swap.reads.lost'), await swap.numbers('swap.fault.lost')],
      ],
    );
    assert.deepEqual(reads, new Map([['swap-in', pages]]));
    assert.equal(latency.count, pages);
    assert.ok(latency.sum > 0);
    assert.deepEqual(lost, [new Map([['', 0]]), new Map([['', 0]])]);
  });
}
