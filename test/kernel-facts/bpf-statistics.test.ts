import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isRunTimeMeasured } from '../../src/kernel/bpf-statistics.ts';

const folder = mkdtempSync(join(tmpdir(), 'bpf-statistics-'));
after(() => rmSync(folder, { recursive: true }));

for (const [text, expected] of [
  ['1\n', true],
  ['0\n', false],
  ['', false],
] as const) {
  test(`the sysctl says ${JSON.stringify(text)}`, () => {
    const path = join(folder, 'bpf_stats_enabled');
    writeFileSync(path, text);
    assert.equal(isRunTimeMeasured(path), expected);
  });
}

test('a kernel without the sysctl measures nothing', () => {
  assert.equal(isRunTimeMeasured(join(folder, 'missing')), false);
});
