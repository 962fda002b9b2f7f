import { closeSync, openSync } from 'node:fs';
import { repeat } from '../background.ts';
import type { CgroupIdsPlan } from '../config/plan.ts';
import { compileRe2 } from '../decoders/re2.ts';
import { MeterError } from '../errors.ts';
import type { Cgroups } from '../kernel/cgroups.ts';
import { libbpfCause } from '../libbpf/error.ts';
import { type KernelMap, remove, update } from '../libbpf/map.ts';
import { addCgroupsEarly } from './without-c/early-cgroup-ids.ts';

/** How long a cgroup may be there before programs know of it, where the kernel doesn't put it in by itself. */
const lookMs = 100;

/** Keeps a BPF map in step with the cgroups whose paths match, for a program that counts only those. */
export class CgroupIds {
  readonly #plan: CgroupIdsPlan;
  readonly #map: KernelMap;
  readonly #matches: (path: string) => boolean;
  readonly #root: string;
  readonly #lost = new Map<'map_full' | 'refused', number>();

  /** `root` is put in front of the paths of cgroups, which are opened where the map is their own storage; '' unless set. */
  constructor(plan: CgroupIdsPlan, map: KernelMap, root = '') {
    this.#plan = plan;
    this.#map = map;
    const patterns = plan.regexps.map(compileRe2);
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

  /** Has the kernel put new ones in before anybody can be in them, until disposed; throws what addCgroupsEarly throws. */
  addEarly(folder: string): Disposable {
    return addCgroupsEarly(this.#plan, this.#map, folder);
  }

  /** Cgroups that should be in the map and aren't. */
  *losses(): Iterable<{ map: string; reason: string; count: number }> {
    for (const [reason, count] of this.#lost) yield { map: this.#map.name, reason, count };
  }

  #add(id: bigint, path: string): void {
    // Of which the kernel takes as many bytes as the map's values have.
    const value = BigUint64Array.of(1n);
    if (this.#plan.type === 'hash') {
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
    if (this.#plan.type === 'hash') remove(this.#map.fd, BigUint64Array.of(id));
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

/**
 * Keeps the maps of cgroups' ids of all programs in step until it is disposed; undefined where no program has one. `warn` is
 * told why new cgroups come into a map late, if they do.
 */
export function keepCgroupIds(
  programs: readonly { readonly cgroupIds: CgroupIds | undefined }[],
  cgroups: Cgroups | undefined,
  warn: (warning: MeterError) => void,
): Disposable | undefined {
  const maps = programs.flatMap(({ cgroupIds }) => cgroupIds ?? []);
  if (maps.length === 0 || cgroups === undefined) return undefined;
  using stack = new DisposableStack();
  cgroups.watch((id, path) => {
    for (const map of maps) map.note(id, path);
  });
  cgroups.update();
  for (const map of maps) {
    try {
      stack.use(map.addEarly(cgroups.folder()));
    } catch (error) {
      if (!(error instanceof MeterError)) throw error;
      const { message, code, remedy } = error;
      const text = `${message}; they come in up to ${lookMs / 1000} s late`;
      warn(new MeterError(code, text, { cause: error, ...(remedy !== undefined && { remedy }) }));
    }
  }
  // Those that came before the kernel was told.
  cgroups.update();
  stack.use(repeat('cgroup ids', lookMs, () => cgroups.update()));
  return stack.move();
}
