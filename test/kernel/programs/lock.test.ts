import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { loopDevice } from '../../../bench/kernel/loop-device.ts';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { count } from './counting.ts';

const waits = 7;
const skip = isKernelSince(5, 19) ? false : 'contention_begin is since 5.19';

/** Waits until the process sleeps for what no signal interrupts: its state in proc_pid_stat is D. */
async function blocked(pid: number): Promise<void> {
  while (!/\) D /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await setImmediate();
}

test('a writer to a file system that is frozen waits for a lock, as often and for as long as it is frozen', {
  skip,
}, async () => {
  using device = loopDevice(8 << 20);
  execFileSync('mkfs.ext4', ['-q', device.path]);
  const folder = mkdtempSync(join(tmpdir(), 'frozen-'));
  execFileSync('mount', [device.path, folder]);
  try {
    const child = spawn('sh', ['-c', 'while read -r name; do : >"$name"; echo done; done'], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    using lock = count('lock', { constants: { only_tgid: child.pid! } });
    const start = performance.now();
    let frozen = 0;
    for (let i = 0; i < waits; i++) {
      execFileSync('fsfreeze', ['--freeze', folder]);
      child.stdin.write(`file${i}\n`);
      await blocked(child.pid!);
      const since = performance.now();
      frozen += performance.now() - since;
      const written = once(child.stdout, 'data');
      execFileSync('fsfreeze', ['--unfreeze', folder]);
      await written;
    }
    const elapsed = performance.now() - start;
    const contention = (await lock.histograms('lock.contention.duration')).get('percpu_rwsem_read')!;
    child.stdin.end();
    await exited;
    assert.equal(contention.count, waits);
    assert.ok(contention.sum * 1000 >= frozen && contention.sum * 1000 <= elapsed, `${contention.sum} s`);
    assert.deepEqual(await lock.numbers('lock.contention.lost'), new Map([['', 0]]));
  } finally {
    execFileSync('umount', [folder]);
    rmdirSync(folder);
  }
});

test('the ends of waits are attached before their begins, one of which would be taken for the next of a mutex', {
  skip,
}, () => {
  using lock = count('lock');
  assert.deepEqual(lock.attached, ['contention_end', 'contention_begin']);
});
