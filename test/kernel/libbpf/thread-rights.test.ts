import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { release } from 'node:os';
import { test } from 'node:test';
import { neededCapabilities } from '../../../src/cli/rights.ts';
import { effectiveCapabilities, parseCapabilities } from '../../../src/kernel/capabilities.ts';
import { keepCapabilities } from '../../../src/libbpf/thread-rights.ts';
import { count } from '../programs/counting.ts';

// The one test of this file, as what is given up is gone for all of its process.
test('maps, caches and iterators are read with no more rights than are kept, and no thread has more', async () => {
  using sched = count('sched', { metrics: ['sched.context_switches', 'sched.cgroup.runqueue.latency'] });
  using listeners = count('tcp_listener');
  const needed = neededCapabilities({
    release: release(),
    unprivilegedBpfDisabled: Number(readFileSync('/proc/sys/kernel/unprivileged_bpf_disabled', 'latin1')),
    effective: effectiveCapabilities(),
    rereadsFiles: false,
    opensPerfEvents: false,
  });
  assert.ok(needed.size <= 2);
  const { threads, unchanged } = await keepCapabilities([...needed.keys()]);
  assert.ok(threads > 1);
  // The one that waits for SIGUSR1 blocks all other signals; the exporter is started without it.
  const blocking = readdirSync('/proc/self/task').filter((thread) =>
    readFileSync(`/proc/self/task/${thread}/comm`, 'latin1').startsWith('SignalInspector'),
  );
  assert.equal(unchanged, blocking.length);
  const own = readFileSync('/proc/self/status', 'latin1');
  assert.deepEqual(parseCapabilities(own, 'CapPrm'), new Set(needed.keys()));

  const switches = async () =>
    [...(await sched.numbers('sched.context_switches')).values()].reduce((total, number) => total + number, 0);
  const before = await switches();
  assert.ok((await switches()) > before);
  assert.ok((await sched.histograms('sched.cgroup.runqueue.latency')).size > 0);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = [...(await listeners.numbers('tcp.listener.sockets')).values()].reduce((a, b) => a + b, 0);
  server.close();
  assert.ok(sockets >= 1);
});
