import { readFileSync } from 'node:fs';
import { filesIn } from './files.ts';

/** An index may be given to another interface, and an interface be renamed: what was read is believed no longer than this. */
const BELIEVED_MS = 1000;

/** How old what was read may be before it is asked whether a name has moved. */
const COMPARED_MS = 10_000;

/** Names of interfaces that are gone are kept while there are no more than so many: containers come and go, and indexes only grow. */
const mostTold = 16_384;

interface Interfaces {
  name(index: number): string | undefined;
  /** How often an index that had been asked for was found with another name than it had then. */
  changes(): number;
}

/**
 * Names of the network interfaces by index, of the network namespace that /sys shows. All are read together (about 10 µs each),
 * at most once per second, so an interface that is younger than that may be missed.
 * `root` is put in front of /sys; `now` gives milliseconds.
 */
export function createInterfaces(root: string, now: () => number): Interfaces {
  let names: ReadonlyMap<number, string> = new Map();
  /** By index, what was said of it; of one that is gone the name that it had. */
  const told = new Map<number, string | undefined>();
  let readAt = Number.NEGATIVE_INFINITY;
  let changes = 0;

  const readAfter = (age: number) => {
    if (now() - readAt < age) return;
    names = readInterfaces(`${root}/sys/class/net`);
    readAt = now();
    let isChanged = false;
    for (const [index, before] of told) {
      const name = names.get(index);
      if (name === undefined || name === before) continue;
      told.set(index, name);
      isChanged = true;
    }
    if (isChanged) changes++;
  };
  const forgetOldest = () => {
    for (const index of told.keys()) {
      if (names.has(index)) continue;
      told.delete(index);
      return;
    }
  };
  return {
    name(index) {
      readAfter(BELIEVED_MS);
      const name = names.get(index) ?? told.get(index);
      told.set(index, name);
      if (told.size > mostTold) forgetOldest();
      return name;
    },
    changes() {
      if (told.size > 0) readAfter(COMPARED_MS);
      return changes;
    },
  };
}

function readInterfaces(folder: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const name of filesIn(folder)) {
    try {
      names.set(Number(readFileSync(`${folder}/${name}/ifindex`, 'latin1')), name);
    } catch {
      // It went away since the folder was listed, or is no interface (bonding_masters).
    }
  }
  return names;
}
