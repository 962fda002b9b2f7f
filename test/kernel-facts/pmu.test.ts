import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasPmu } from '../../src/kernel/pmu.ts';

for (const [devices, expected] of [
  [['software', 'tracepoint', 'cpu'], true],
  [['cpu_core', 'cpu_atom', 'software'], true],
  [['armv8_pmuv3_0'], true],
  [['software', 'tracepoint', 'breakpoint', 'kprobe', 'uprobe', 'msr', 'power'], false],
  [[], false],
] as const) {
  test(`a machine with ${devices.join(', ') || 'nothing'} has ${expected ? 'a' : 'no'} PMU`, () => {
    const root = mkdtempSync(join(tmpdir(), 'pmu-'));
    for (const device of devices) {
      mkdirSync(join(root, 'sys/bus/event_source/devices', device), { recursive: true });
    }
    assert.equal(hasPmu(root), expected);
    rmSync(root, { recursive: true });
  });
}
