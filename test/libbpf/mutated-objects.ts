/**
 * Opens mutated objects with the real libbpf, in a process of its own, which a crash ends:
 * `node mutated-objects.ts FIRST LAST SCRATCH OBJECT…`. Prints each seed before libbpf is given the object of it, and at the end
 * how many objects it was given and how many it took.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { checkObject } from '../../src/elf/check.ts';
import { MeterError } from '../../src/errors.ts';
import { OpenedObject } from '../../src/libbpf/object.ts';
import { Attempt } from '../fuzz/attempt.ts';
import { objectRanges } from '../fuzz/objects.ts';

export interface Outcome {
  /** Mutated objects that the check let through, so that libbpf was given them. */
  readonly given: number;
  /** Those that it opened. */
  readonly opened: number;
}

function isAllowed(file: Uint8Array): boolean {
  try {
    checkObject(file);
    return true;
  } catch (error) {
    if (error instanceof MeterError) return false;
    throw error;
  }
}

function openAll(first: number, last: number, scratch: string, paths: readonly string[]): Outcome {
  const originals = paths.map((path) => Uint8Array.from(readFileSync(path)));
  const places = originals.map(objectRanges);
  const outcome = { given: 0, opened: 0 };
  for (let seed = first; seed < last; seed++) {
    const attempt = new Attempt(seed);
    const which = attempt.below(originals.length);
    const file = attempt.corrupt(originals[which]!, places[which]!);
    if (!isAllowed(file)) continue;
    outcome.given++;
    writeFileSync(scratch, file);
    writeSync(1, `${seed}\n`);
    try {
      using _ = OpenedObject.open(scratch);
      outcome.opened++;
    } catch (error) {
      if (!(error instanceof MeterError)) throw error;
    }
  }
  return outcome;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [first, last, scratch, ...paths] = process.argv.slice(2);
  const outcome = openAll(Number(first), Number(last), scratch!, paths);
  writeSync(1, `${JSON.stringify(outcome)}\n`);
}
