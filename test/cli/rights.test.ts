import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Capability, capabilityNames } from '../../src/capability-names.ts';
import { neededCapabilities, type RightsFacts } from '../../src/cli/rights.ts';

const all: RightsFacts = {
  release: '6.12.117-amd64',
  unprivilegedBpfDisabled: 2,
  effective: new Set(capabilityNames),
  rereadsFiles: false,
  opensPerfEvents: false,
};

for (const [what, facts, expected] of [
  ['names of functions alone', {}, ['CAP_SYSLOG']],
  ['maps before 6.0', { release: '5.10.0-30-amd64' }, ['CAP_SYSLOG', 'CAP_BPF']],
  ['maps before 6.0, where anybody may', { release: '5.15.1', unprivilegedBpfDisabled: 0 }, ['CAP_SYSLOG']],
  ['maps since 6.0', { release: '6.0.0-rc1' }, ['CAP_SYSLOG']],
  ['CPUs that come', { opensPerfEvents: true }, ['CAP_SYSLOG', 'CAP_PERFMON']],
  ['files', { rereadsFiles: true }, ['CAP_SYSLOG', 'CAP_DAC_READ_SEARCH']],
  [
    'all of it with what stands in for what was split off from it',
    {
      release: '5.4.0',
      rereadsFiles: true,
      opensPerfEvents: true,
      effective: new Set<Capability>(['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE']),
    },
    ['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE'],
  ],
  ['nothing, where there was nothing', { rereadsFiles: true, effective: new Set<Capability>() }, []],
] as const) {
  test(`what is needed for ${what}`, () => {
    const needed = neededCapabilities({ ...all, ...facts });
    assert.deepEqual([...needed.keys()], expected);
  });
}
