import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { count } from './counting.ts';
import { memoryCgroup } from './memory-cgroup.ts';

const load = buildLoad();
const mebibyte = 1 << 20;

test('processes that the kernel kills for want of memory are counted by name', async () => {
  using cgroup = memoryCgroup(16 * mebibyte);
  using memory = count('memory', { metrics: ['memory.oom.kills', 'memory.oom.kills.lost'] });
  assert.deepEqual(memory.attached, ['mark_victim']);
  for (let i = 0; i < 7; i++) {
    const script = 'echo $$ >"$1"; exec "$2" touch 64';
    const { signal } = spawnSync('sh', ['-c', script, 'sh', cgroup.processes, load]);
    assert.equal(signal, 'SIGKILL');
  }
  const kills = await memory.numbers('memory.oom.kills');
  // Older kernels have it where their maintainers took it over.
  const isNamed = isKernelSince(6, 9) || kills.has('touch');
  assert.deepEqual(kills, new Map([[isNamed ? 'touch' : 'unknown', 7]]));
  assert.deepEqual(await memory.numbers('memory.oom.kills.lost'), new Map([['', 0]]));
});

test('attempts to free memory of a cgroup are measured', async () => {
  using cgroup = memoryCgroup(64 * mebibyte);
  const script = 'echo $$ >"$1"; text=$(head -c 4000000 /dev/zero | tr "\\0" x); echo ready; read -r _';
  const child = spawn('sh', ['-c', script, 'sh', cgroup.processes], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  // What there is to free is freed by the first.
  cgroup.shrink();
  using memory = count('memory', { metrics: ['memory.cgroup.reclaim.latency'] });
  assert.deepEqual(memory.attached, ['mm_vmscan_memcg_reclaim_begin', 'mm_vmscan_memcg_reclaim_end']);
  for (let i = 0; i < 7; i++) cgroup.shrink();
  const latency = (await memory.histograms('memory.cgroup.reclaim.latency')).get('')!;
  child.stdin.end('\n');
  await exited;
  // MAX_RECLAIM_RETRIES of mm/memcontrol.c, each time in vain.
  if (cgroup.version === 1) assert.equal(latency.count, 7 * 16);
  else assert.ok(latency.count >= 7, `${latency.count}`);
  assert.ok(latency.sum > 0);
});

/** Has ftrace record a tracepoint until its end, and tells how often the kernel passed it. */
function trace(event: string): { count(): number } & Disposable {
  const instance = '/sys/kernel/tracing/instances/ebpf-meter-test';
  mkdirSync(instance);
  writeFileSync(`${instance}/events/${event}/enable`, '1');
  return {
    count: () =>
      readdirSync(`${instance}/per_cpu`).reduce((sum, cpu) => {
        const stats = readFileSync(`${instance}/per_cpu/${cpu}/stats`, 'latin1');
        const [, entries] = /^entries: (\d+)$/m.exec(stats)!;
        const [, overrun] = /^overrun: (\d+)$/m.exec(stats)!;
        return sum + Number(entries) + Number(overrun);
      }, 0),
    [Symbol.dispose]: () => rmdirSync(instance),
  };
}

const shared = existsSync('/run/vm/settings')
  ? false
  : 'it takes all free memory, which only a VM of its own can spare';

test('waits of a task that frees memory itself are measured, as often as there are any', {
  skip: shared,
}, async () => {
  // Files' pages are what can be freed; more huge pages than there is memory are what frees them, and kills nobody.
  spawnSync('dd', ['if=/dev/vda', 'of=/dev/null', 'bs=1M', 'status=none']);
  using memory = count('memory', { metrics: ['memory.reclaim.latency'] });
  // Not vmstat's allocstall_*, which count a wait anew when it goes round again.
  using ends = trace('vmscan/mm_vmscan_direct_reclaim_end');
  writeFileSync('/proc/sys/vm/nr_hugepages', '1000');
  const waits = ends.count();
  const latency = (await memory.histograms('memory.reclaim.latency')).get('')!;
  writeFileSync('/proc/sys/vm/nr_hugepages', '0');
  assert.ok(waits > 0);
  assert.equal(latency.count, waits);
  assert.ok(latency.sum > 0);
});

test('compactions of zones are measured, by who does them', async () => {
  const zones = readFileSync('/proc/zoneinfo', 'utf8').match(/^ +present +[1-9]/gm)!.length;
  using memory = count('memory', { metrics: ['memory.compaction.latency'] });
  assert.deepEqual(memory.attached, ['mm_compaction_begin', 'mm_compaction_end']);
  const start = performance.now();
  for (let i = 0; i < 3; i++) writeFileSync('/proc/sys/vm/compact_memory', '1');
  const seconds = (performance.now() - start) / 1000;
  const direct = (await memory.histograms('memory.compaction.latency')).get('direct')!;
  assert.equal(direct.count, 3 * zones);
  assert.ok(direct.sum > 0 && direct.sum < seconds, `${direct.sum} s of ${seconds} s`);
});

test('all of it together loses nothing', async () => {
  using memory = count('memory');
  writeFileSync('/proc/sys/vm/compact_memory', '1');
  assert.deepEqual(await memory.numbers('memory.lost'), new Map([['', 0]]));
  assert.ok((await memory.histograms('memory.reclaim.latency')).has(''));
});
