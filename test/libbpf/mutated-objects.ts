/**
 * Opens mutated objects with the real libbpf, in a process of its own, which a crash ends:
 * `node mutated-objects.ts FIRST LAST SCRATCH OBJECT…`. Prints each seed before libbpf is given the object of it, and at the end
 * how many objects it was given and how many it took.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { checkObject } from '../../src/elf/check.ts';
import { readSections } from '../../src/elf/file.ts';
import { MeterError } from '../../src/errors.ts';
import { OpenedObject } from '../../src/libbpf/object.ts';

type Range = readonly [start: number, end: number];

/** Mulberry32: numbers below the limit, the same for the same seed. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Where what libbpf reads stands; tables and types several times, since they are most easily wrong. */
function ranges(file: Uint8Array): readonly Range[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headers = Number(view.getBigUint64(40, true));
  const found: Range[] = [
    [0, 64],
    [headers, headers + 64 * view.getUint16(60, true)],
  ];
  for (const { name, bytes } of readSections(file)) {
    if (bytes.length === 0 || /debug|llvm/.test(name)) continue;
    const range: Range = [bytes.byteOffset - file.byteOffset, bytes.byteOffset - file.byteOffset + bytes.length];
    const isTable = /^\.(BTF|symtab|rel|maps)/.test(name);
    found.push(range, ...(isTable ? [range, range, [range[0], Math.min(range[0] + 64, range[1])] as const] : []));
  }
  return found;
}

/** The file with one to four words or bytes changed, most to something that a number may be wrong by. */
function mutate(original: Uint8Array, places: readonly Range[], below: (limit: number) => number): Uint8Array {
  const file = Uint8Array.from(original);
  const view = new DataView(file.buffer);
  for (let change = 0, changes = 1 + below(4); change < changes; change++) {
    const [start, end] = places[below(places.length)]!;
    const at = start + below(end - start);
    const kind = below(6);
    const word = at & ~3;
    if (kind === 0) file[at] = below(256);
    else if (kind === 1) file[at]! ^= 1 << below(8);
    else if (word + 4 <= file.length) {
      const old = view.getUint32(word, true);
      const wrong = [0, 1, -1, 0x7fffffff, 0x80000000, old + 1, old - 1, old + below(64), old ^ below(65_536)];
      const all = [...wrong, below(300), below(2 ** 31), old + 8, old << 8, 0x18];
      view.setUint32(word, all[below(all.length)]! >>> 0, true);
    }
  }
  return file;
}

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
  const places = originals.map(ranges);
  const outcome = { given: 0, opened: 0 };
  for (let seed = first; seed < last; seed++) {
    const below = random(seed);
    const which = below(originals.length);
    const file = mutate(originals[which]!, places[which]!, below);
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
