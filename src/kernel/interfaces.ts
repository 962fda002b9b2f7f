import { readdirSync, readFileSync } from 'node:fs';

/** An index may be given to another interface, and an interface be renamed: what was read is believed no longer than this. */
const BELIEVED_MS = 1000;

/**
 * Names of the network interfaces by index, of the network namespace that /sys shows. All are read together (about 10 µs each),
 * at most once per second, so an interface that is younger than that may be missed.
 * `root` is put in front of /sys; `now` gives milliseconds.
 */
export function createInterfaces(root: string, now: () => number): (index: number) => string | undefined {
  let names: ReadonlyMap<number, string> = new Map();
  let readAt = Number.NEGATIVE_INFINITY;
  return (index) => {
    if (now() - readAt >= BELIEVED_MS) {
      names = readInterfaces(`${root}/sys/class/net`);
      readAt = now();
    }
    return names.get(index);
  };
}

function readInterfaces(folder: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const name of list(folder)) {
    try {
      names.set(Number(readFileSync(`${folder}/${name}/ifindex`, 'latin1')), name);
    } catch {
      // It went away since the folder was listed, or is no interface (bonding_masters).
    }
  }
  return names;
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
