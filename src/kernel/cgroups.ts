import { readdirSync, readFileSync, statSync } from 'node:fs';
import { inBackground } from '../background.ts';
import { MeterError } from '../errors.ts';

/** What happened to a cgroup since it was asked last; of several things the last. */
export interface CgroupEvent {
  readonly id: bigint;
  /** From the root of the hierarchy, with a / in front. */
  readonly path: string;
  readonly removed: boolean;
}

/** Who sees cgroups come and go. */
export interface CgroupEvents {
  /** What happened since the last call. `lost`: there was more than could be kept. */
  take(): { readonly events: readonly CgroupEvent[]; readonly lost: boolean };
}

interface CgroupsOptions {
  /** Put in front of /proc and of mount points: the host's in a container, a folder of files in tests; '' unless set. */
  readonly root?: string;
  /** Without them cgroups are only found by looking, and one that came and went between two looks has no name. */
  readonly events?: CgroupEvents | undefined;
  /** The number of the root's inode where it isn't a real hierarchy's; 1 unless set. */
  readonly rootId?: bigint;
  /** A clock in milliseconds that never goes back; performance.now unless set. */
  readonly now?: () => number;
  /** Called with what keeps names from being known, once. */
  readonly warn?: (warning: MeterError) => void;
}

/** Names of the cgroups of version 2 by their ids, which are the numbers of their folders' inodes. */
export interface Cgroups {
  /** The folder's path, `/sys/fs/cgroup/system.slice`, also of one that is gone; undefined: never seen. */
  path(id: bigint): string | undefined;
  /**
   * Notes what came and went since it was called last. `path` does so by itself for an id that is unknown; what has to
   * hear of the others calls it: readings that remove keys of cgroups that are gone, and what `watch` serves. Never throws.
   */
  update(): void;
  /** How often an id that had a path was given another. */
  changes(): number;
  /** How many milliseconds ago it was noticed that this cgroup is gone; undefined: it isn't, as far as is known. */
  goneFor(id: bigint): number | undefined;
  /** Calls `listener` for every cgroup that there is, then for each that comes, with its path, or goes, without. */
  watch(listener: (id: bigint, path: string | undefined) => void): void;
  /** What stands in front of paths from the root of the hierarchy, as it was mounted at the last look. */
  folder(): string;
}

/** cgroup_root's own: kernfs gives the first inode of a hierarchy, its root, the number 1. */
const ROOT_ID = 1n;
/** Names of cgroups that are gone: those that are not forgotten after this many others went. Some 200 bytes each. */
const REMEMBERED = 8192;
/** Without events: how old what was seen may be before an unknown id makes it look again. */
const BELIEVED_MS = 1000;
/** Without events, or where the last look could not see all: how often it looks which cgroups are gone. */
const LOOK_MS = 60_000;

/**
 * An id is never given to another cgroup while the machine runs: on 64-bit kernels its upper half counts the rounds of
 * the lower (kernfs_new_node in fs/kernfs/dir.c, since Linux 5.5). Should it be, the newer cgroup's event tells.
 *
 * What is known from before comes from a walk of the hierarchy's folders, everything later from events.
 * In a container with a cgroup namespace of its own only its own part of the hierarchy can be walked: then ids from
 * elsewhere have names if they came later, and no cgroup is taken for gone that isn't known to be.
 */
export function createCgroups(options: CgroupsOptions = {}): Cgroups {
  return new WatchedCgroups(options);
}

class WatchedCgroups implements Cgroups {
  readonly #root: string;
  readonly #rootId: bigint;
  readonly #events: CgroupEvents | undefined;
  readonly #now: () => number;
  readonly #warn: (warning: MeterError) => void;
  /** Those that there are. */
  #live = new Map<bigint, string>();
  /** Those that are gone, in the order in which that was noticed. No name: it was never seen. */
  readonly #gone = new Map<bigint, { readonly path: string | undefined; readonly noticed: number }>();
  readonly #listeners: ((id: bigint, path: string | undefined) => void)[] = [];
  #mount: Mount | undefined;
  #walked = Number.NEGATIVE_INFINITY;
  /** Events were lost since the walk. */
  #stale = true;
  /** Something could not be looked at in the walk, so that what wasn't found needn't be gone. */
  #torn = false;
  #warned = false;
  #failed = false;
  #failedToLook = false;
  #changes = 0;

  constructor({ root = '', rootId = ROOT_ID, events, now = () => performance.now(), warn = () => {} }: CgroupsOptions) {
    this.#root = root;
    this.#rootId = rootId;
    this.#events = events;
    this.#now = now;
    this.#warn = warn;
  }

  path(id: bigint): string | undefined {
    const known = this.#known(id);
    if (known !== undefined) return known;
    this.update();
    if (this.#events === undefined) {
      // It may be younger than the last look.
      if (this.#now() - this.#walked < BELIEVED_MS) return this.#known(id);
      this.#walk();
    }
    const found = this.#known(id);
    // With the whole hierarchy in view, what is in none of it is gone.
    const isSeen = this.#mount?.whole === true && !this.#torn;
    if (found === undefined && isSeen && !this.#gone.has(id) && !this.#live.has(id)) this.#bury(id);
    return found;
  }

  update(): void {
    const { events, lost } = this.#take();
    this.#stale ||= lost;
    if (this.#events === undefined || this.#torn) this.#stale ||= this.#now() - this.#walked >= LOOK_MS;
    if (this.#stale) this.#walk();
    // What happened during the walk is in the events of the next time.
    for (const { id, path, removed } of events) {
      const full = this.folder() + (path === '/' ? '' : path);
      if (removed) this.#bury(id, full);
      else this.#raise(id, full);
    }
  }

  folder(): string {
    return (this.#mount ?? nowhere).prefix;
  }

  goneFor(id: bigint): number | undefined {
    const gone = this.#gone.get(id);
    return gone && this.#now() - gone.noticed;
  }

  watch(listener: (id: bigint, path: string | undefined) => void): void {
    for (const [id, path] of this.#live) listener(id, path);
    this.#listeners.push(listener);
  }

  #take(): ReturnType<CgroupEvents['take']> {
    try {
      return this.#events?.take() ?? { events: [], lost: false };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `cgroup names: what came and went can't be read, so that all are looked at instead: ${why}`;
      if (!this.#failed) this.#warn(new MeterError('environment', message, { cause }));
      this.#failed = true;
      return { events: [], lost: true };
    }
  }

  #known(id: bigint): string | undefined {
    return this.#live.get(id) ?? this.#gone.get(id)?.path;
  }

  changes(): number {
    return this.#changes;
  }

  #raise(id: bigint, path: string): void {
    const before = this.#known(id);
    if (before !== undefined && before !== path) this.#changes++;
    this.#gone.delete(id);
    const isNew = this.#live.get(id) !== path;
    this.#live.set(id, path);
    if (isNew) this.#announce(id, path);
  }

  #bury(id: bigint, path: string | undefined = this.#live.get(id)): void {
    if (this.#live.delete(id)) this.#announce(id, undefined);
    const noticed = this.#gone.get(id)?.noticed ?? this.#now();
    this.#gone.set(id, { path, noticed });
    if (this.#gone.size <= REMEMBERED) return;
    for (const oldest of this.#gone.keys()) {
      this.#gone.delete(oldest);
      return;
    }
  }

  #announce(id: bigint, path: string | undefined): void {
    for (const listener of this.#listeners) inBackground('cgroup ids', () => listener(id, path));
  }

  #walk(): void {
    this.#walked = this.#now();
    this.#stale = false;
    const look = new Look();
    this.#mount = findMount(this.#root, this.#rootId, look);
    if (!this.#mount?.whole && look.failure === undefined) this.#tell();
    if (this.#mount !== undefined) look.walk(this.#root + this.#mount.point, this.#mount.prefix);
    const { found, failure } = look;
    this.#torn = failure !== undefined;
    if (failure !== undefined) this.#tellFailure(failure);
    if (this.#mount?.whole && !this.#torn) for (const id of this.#live.keys()) if (!found.has(id)) this.#bury(id);
    for (const [id, path] of found) this.#raise(id, path);
  }

  #tellFailure(cause: Error): void {
    if (this.#failedToLook) return;
    this.#failedToLook = true;
    const message = `cgroup names: not all cgroups can be looked at, so that some stay unknown: ${cause.message}`;
    this.#warn(new MeterError('environment', message, { cause }));
  }

  #tell(): void {
    if (this.#warned) return;
    this.#warned = true;
    const what =
      this.#mount === undefined ? 'no cgroup of version 2 is mounted' : 'only a part of the cgroups is mounted';
    const remedy = "In a container, mount the host's /sys/fs/cgroup, or run it with --cgroupns=host";
    this.#warn(new MeterError('environment', `cgroup names: ${what}, so that some stay unknown`, { remedy }));
  }
}

interface Mount {
  readonly point: string;
  /** What stands in front of paths: where the host has it. */
  readonly prefix: string;
  /** Whether it begins at the hierarchy's root. */
  readonly whole: boolean;
}

const usual = '/sys/fs/cgroup';
const nowhere: Mount = { point: usual, prefix: usual, whole: false };

/** The cgroup2 that shows the most; a hybrid set-up has it at /sys/fs/cgroup/unified. */
function findMount(root: string, rootId: bigint, look: Look): Mount | undefined {
  const mounts = mountPoints(root, look).flatMap((point): Mount[] => {
    const id = look.inode(root + point);
    if (id === undefined) return [];
    const prefix = point === usual || point.startsWith(`${usual}/`) ? point : usual;
    return [{ point, prefix, whole: id === rootId }];
  });
  return mounts.find(({ whole }) => whole) ?? mounts[0];
}

/** Source: proc_pid_mountinfo(5): the fifth field, with octal escapes; the file system's type is behind the hyphen. */
function mountPoints(root: string, look: Look): string[] {
  let text: string;
  try {
    text = readFileSync(`${root}/proc/self/mountinfo`, 'utf8');
  } catch (error) {
    look.note(error);
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [fields = '', source] = line.split(' - ');
    if (!source?.startsWith('cgroup2 ')) return [];
    const point = fields.split(' ')[4]!;
    return [point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))];
  });
}

/** One look at the folders of the hierarchy. Nothing throws. */
class Look {
  readonly found = new Map<bigint, string>();
  /** What could not be looked at first, though it may be there. */
  failure: Error | undefined;

  /** Finds the folder, by this name, and those below it. */
  walk(folder: string, name: string): void {
    const id = this.inode(folder);
    if (id === undefined) return;
    this.found.set(id, name);
    for (const child of this.#folders(folder)) this.walk(`${folder}/${child}`, `${name}/${child}`);
  }

  /** Undefined where the folder is gone, or can't be looked at. */
  inode(folder: string): bigint | undefined {
    try {
      return statSync(folder, { bigint: true }).ino;
    } catch (error) {
      this.note(error);
      return undefined;
    }
  }

  #folders(folder: string): string[] {
    try {
      return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
    } catch (error) {
      this.note(error);
      return [];
    }
  }

  /** A folder that went away meanwhile is no failure; of one that is just going, kernfs says ENODEV. */
  note(error: unknown): void {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'ENOTDIR', 'ENODEV'].includes(code)) this.failure ??= error as Error;
  }
}
