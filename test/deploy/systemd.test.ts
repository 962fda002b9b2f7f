import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const file = join(import.meta.dirname, '../../deploy/systemd/ebpf-meter.service');
const settings = new Map(
  readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => /^(\w+)=(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name, value]) => [name!, value!] as const),
);

/** What takes capabilities out of the bounding set, whatever else the unit says. Source: systemd.exec(5), Sandboxing. */
const takers: Readonly<Record<string, readonly string[]>> = {
  PrivateDevices: ['CAP_MKNOD', 'CAP_SYS_RAWIO'],
  ProtectClock: ['CAP_SYS_TIME', 'CAP_WAKE_ALARM'],
  ProtectKernelLogs: ['CAP_SYSLOG'],
  ProtectKernelModules: ['CAP_SYS_MODULE'],
};

describe('deploy/systemd/ebpf-meter.service', () => {
  const granted = settings.get('AmbientCapabilities')!.split(' ');

  it('gives three capabilities', () => {
    assert.deepEqual(granted, ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYSLOG']);
    assert.equal(settings.get('CapabilityBoundingSet'), settings.get('AmbientCapabilities'));
  });

  it('takes none of them away again', () => {
    for (const [name, taken] of Object.entries(takers)) {
      if (settings.get(name) !== 'yes') continue;
      for (const capability of taken) assert.ok(!granted.includes(capability), `${name} takes ${capability}`);
    }
    // These hide what programs are loaded and labels decoded with.
    for (const name of ['PrivateUsers', 'PrivateNetwork', 'ProtectProc', 'ProcSubset', 'ProtectKernelTunables']) {
      assert.equal(settings.get(name), undefined, name);
    }
    assert.match(settings.get('SystemCallFilter')!, /\bbpf perf_event_open\b/);
  });
});
