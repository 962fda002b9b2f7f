import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileFixture } from '../fixtures/compile.ts';
import type { Outcome } from './mutated-objects.ts';

/** A third of them pass the check; the versions of libbpf before 1.5 die of the 72nd, if it is given all. */
const seeds = 4000;

test("whatever passes the check, libbpf opens or refuses, and doesn't end the process", (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mutated-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const shipped = ['sched', 'xdp', 'tlb'].map((name) =>
    join(import.meta.dirname, '..', '..', 'build', 'programs', `${name}.bpf.o`),
  );
  const fixtures = ['types', 'every-map', 'attach-kinds', 'exporter/maps', 'exporter/functions'].map(compileFixture);
  const script = join(import.meta.dirname, 'mutated-objects.ts');
  const args = [script, '0', String(seeds), join(folder, 'mutated.bpf.o'), ...shipped, ...fixtures];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const last = stdout.trim().split('\n').at(-1)!;
  assert.deepEqual([status, signal], [0, null], `seed ${last}: ${stderr}`);
  const { given, opened } = JSON.parse(last) as Outcome;
  assert.ok(given > seeds / 5 && opened > seeds / 10, last);
});
