import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noFunctions } from './file-system.ts';
import { countInNamespace } from './namespace.ts';

const metrics = ['tcp.accept.latency', 'tcp.accept.unmatched', 'tcp.accept.lost'];
const zero = new Map([['', 0]]);

for (const way of ['fentry', 'kprobe']) {
  test(`the time until a connection is accepted is measured by port and family, by ${way}`, {
    skip: noFunctions,
  }, async () => {
    const script = 'run accepted 97 127.0.0.1 53; run accepted 89 ::1 54; run accepted 13 ::ffff:127.0.0.1 0';
    const { counting, lines } = await countInNamespace('tcp', script, { metrics, ways: { accept: way } });
    using _ = counting;
    const latencies = await counting.histograms('tcp.accept.latency');
    assert.deepEqual(
      new Map([...latencies].map(([attributes, { count }]) => [attributes, count])),
      new Map([
        ['53 ipv4', 97],
        ['54 ipv6', 89],
        ['ephemeral ipv4', 13],
      ]),
    );
    for (const [index, attributes] of ['53 ipv4', '54 ipv6', 'ephemeral ipv4'].entries()) {
      const [least, most] = lines.slice(index * 3).map(Number);
      const sum = latencies.get(attributes)!.sum * 1e9;
      assert.ok(sum >= least! && sum <= most!, `${sum} ns, of at least ${least} and at most ${most}`);
    }
    assert.deepEqual(await counting.numbers('tcp.accept.unmatched'), zero);
    assert.deepEqual(await counting.numbers('tcp.accept.lost'), zero);
  });
}

test('a connection whose stamp others displaced is accepted unmatched', { skip: noFunctions }, async () => {
  // 2048 places have room for four each.
  const { counting } = await countInNamespace(
    'tcp',
    'ulimit -n 30000; sysctl -qw net.core.somaxconn=20000; run accepted 9973 127.0.0.1 53',
    { metrics },
  );
  using _ = counting;
  const measured = (await counting.histograms('tcp.accept.latency')).get('53 ipv4')!.count;
  const unmatched = (await counting.numbers('tcp.accept.unmatched')).get('')!;
  assert.equal(measured + unmatched, 9973);
  assert.ok(unmatched > 0 && measured > 0);
});
