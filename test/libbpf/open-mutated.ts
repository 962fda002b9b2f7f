import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectFiles } from '../fuzz/objects.ts';
import type { Outcome } from './mutated-objects.ts';

/** Has a process of its own open the mutated objects of these seeds; throws, with the seed, where that ends it. */
export function openMutated(first: number, count: number): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'mutated-'));
  try {
    const script = join(import.meta.dirname, 'mutated-objects.ts');
    const args = [script, String(first), String(first + count), join(folder, 'mutated.bpf.o'), ...objectFiles()];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const last = stdout.trim().split('\n').at(-1)!;
    assert.deepEqual([status, signal], [0, null], `seed ${last}: ${stderr}`);
    return JSON.parse(last) as Outcome;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
