import type { FilledMapPlan } from '../config/plan.ts';
import { libbpfCause } from '../libbpf/error.ts';
import type { LoadedObject } from '../libbpf/loaded.ts';
import { remove, removeBatch } from '../libbpf/map.ts';
import type { LoadedMapReaders } from './readers.ts';
import type { EntriesReader, MemoryReader } from './reading.ts';

/**
 * Readers of maps of which some are filled by iterators: at the first reading of one of them after `begin`, those of the
 * same iterator are emptied, as far as they are to be, and it is run. What fails then fails the reading of all of them
 * until the next `begin`. Where the iterator isn't attached they are read as they are. Iterators that are named for no map are
 * run before any of the other maps is read, since whatever they fill must be among these.
 */
export function filledReaders(
  readers: LoadedMapReaders,
  object: LoadedObject,
  filled: readonly FilledMapPlan[],
  iterators: ReadonlyMap<string, () => void>,
): LoadedMapReaders {
  const fillers = new Map<string, Filler>();
  for (const program of new Set(filled.map((map) => map.program))) {
    const emptied = filled.filter((map) => map.program === program && map.emptied);
    const empty = () => {
      for (const { map } of emptied) emptyMap(object, readers.entries(map));
    };
    fillers.set(program, new Filler([iterators.get(program)], empty));
  }
  const others = [...iterators].filter(([program]) => !fillers.has(program)).map(([, iterate]) => iterate);
  if (others.length > 0) fillers.set('', new Filler(others, () => {}));
  const programOf = new Map(filled.map(({ map, program }) => [map, program]));
  const entries = new Map<string, EntriesReader>();
  const memories = new Map<string, MemoryReader>();

  /** The same reader each time it is asked for, as of unfilled maps. */
  const wrap = <R extends EntriesReader | MemoryReader>(known: Map<string, R>, name: string, make: () => R): R => {
    const filler = fillers.get(programOf.get(name) ?? '');
    if (filler === undefined) return make();
    const before = known.get(name);
    if (before !== undefined) return before;
    const reader = make();
    const wrapped = {
      ...reader,
      read: () => {
        filler.fill();
        return reader.read();
      },
    };
    known.set(name, wrapped);
    return wrapped;
  };

  return {
    cpus: readers.cpus,
    begin: () => {
      for (const filler of fillers.values()) filler.begin();
    },
    entries: (name) => wrap(entries, name, () => readers.entries(name)),
    memory: (name) => wrap(memories, name, () => readers.memory(name)),
    [Symbol.dispose]: () => readers[Symbol.dispose](),
  };
}

/** Fills maps once per reading; iterators that aren't attached are undefined. */
class Filler {
  readonly #iterators: readonly (() => void)[];
  readonly #empty: () => void;
  #isFilled = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(iterators: readonly ((() => void) | undefined)[], empty: () => void) {
    this.#iterators = iterators.filter((iterate) => iterate !== undefined);
    this.#empty = empty;
  }

  begin(): void {
    this.#isFilled = false;
    this.#failure = undefined;
  }

  fill(): void {
    const isDue = !this.#isFilled && this.#iterators.length > 0;
    this.#isFilled = true;
    try {
      if (isDue) {
        this.#empty();
        for (const iterate of this.#iterators) iterate();
      }
    } catch (error) {
      this.#failure = { error };
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Removes every key; an LRU map may have lost some of them meanwhile. */
function emptyMap(object: LoadedObject, reader: EntriesReader): void {
  const { count, keys } = reader.read();
  if (count === 0) return;
  const { fd } = object.map(reader.map);
  try {
    removeBatch(fd, keys, count);
  } catch (error) {
    if (libbpfCause(error) === undefined) throw error;
    // Without batches (until Linux 5.6), or with a key that is gone: one by one.
    for (let key = 0; key < count; key++) remove(fd, keys.subarray(key * reader.keySize, (key + 1) * reader.keySize));
  }
}
