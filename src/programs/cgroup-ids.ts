import { closeSync, openSync } from 'node:fs';
import { repeat } from '../background.ts';
import type { CgroupIdsPlan } from '../config/plan.ts';
import { compileRe2 } from '../decoders/re2.ts';
import { MeterError } from '../errors.ts';
import type { Cgroups } from '../kernel/cgroups.ts';
import { libbpfCause } from '../libbpf/error.ts';
import { type KernelMap, remove, update } from '../libbpf/map.ts';

/** How long a cgroup may be there before programs know of it. */
const lookMs = 100;

/** Keeps a BPF map in step with the cgroups whose paths match, for a program that counts only those. */
export class CgroupIds {
  readonly #map: KernelMap;
  readonly #type: CgroupIdsPlan['type'];
  readonly #matches: (path: string) => boolean;
  readonly #root: string;
  readonly #lost = new Map<'map_full' | 'refused', number>();

  /** `root` is put in front of the paths of cgroups, which are opened where the map is their own storage; '' unless set. */
  constructor({ type, regexps }: CgroupIdsPlan, map: KernelMap, root = '') {
    this.#map = map;
    this.#type = type;
    const patterns = regexps.map(compileRe2);
    this.#matches = (path) => patterns.some((pattern) => pattern.test(path));
    this.#root = root;
  }

  /** A cgroup has come, with its folder's path, or (undefined) is gone. Never throws: what the kernel refuses is counted. */
  note(id: bigint, path: string | undefined): void {
    try {
      if (path === undefined) this.#remove(id);
      else if (this.#matches(path)) this.#add(id, path);
    } catch (error) {
      if (!(error instanceof MeterError)) throw error;
      const reason = libbpfCause(error)?.code === 'E2BIG' ? 'map_full' : 'refused';
      this.#lost.set(reason, (this.#lost.get(reason) ?? 0) + 1);
    }
  }

  /** Cgroups that should be in the map and aren't. */
  *losses(): Iterable<{ map: string; reason: string; count: number }> {
    for (const [reason, count] of this.#lost) yield { map: this.#map.name, reason, count };
  }

  #add(id: bigint, path: string): void {
    // Of which the kernel takes as many bytes as the map's values have.
    const value = BigUint64Array.of(1n);
    if (this.#type === 'hash') {
      update(this.#map.fd, BigUint64Array.of(id), value);
      return;
    }
    const folder = openFolder(this.#root + path);
    if (folder === undefined) return;
    try {
      update(this.#map.fd, Int32Array.of(folder), value);
    } finally {
      closeSync(folder);
    }
  }

  /** A cgroup's own storage goes with it. */
  #remove(id: bigint): void {
    if (this.#type === 'hash') remove(this.#map.fd, BigUint64Array.of(id));
  }
}

/** Undefined where the cgroup is gone already. */
function openFolder(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

/** Keeps the maps of cgroups' ids of all programs in step until it is disposed; undefined where no program has one. */
export function keepCgroupIds(
  programs: readonly { readonly cgroupIds: CgroupIds | undefined }[],
  cgroups: Cgroups | undefined,
): Disposable | undefined {
  const maps = programs.flatMap(({ cgroupIds }) => cgroupIds ?? []);
  if (maps.length === 0 || cgroups === undefined) return undefined;
  cgroups.watch((id, path) => {
    for (const map of maps) map.note(id, path);
  });
  cgroups.update();
  return repeat('cgroup ids', lookMs, () => cgroups.update());
}
