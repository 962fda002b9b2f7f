import { closeSync, openSync, readFileSync } from 'node:fs';
import { MeterError } from '../errors.ts';

/** Files that must be free: for the least of programs; for listening, some connections, and what readings open. */
export const neededDescriptors = { toLoad: 32, toServe: 16 };

/** As it was when there were files left to read it from. */
let limit: number | undefined;

const remedy = 'Raise the limit of open files: LimitNOFILE=1024 in systemd, `ulimit -n 1024` in a shell';

/** How many more files this process may open; counted up to `most`, by opening them. */
export function freeDescriptors(most: number): number {
  const files: number[] = [];
  try {
    while (files.length < most) files.push(openSync('/dev/null', 'r'));
  } catch {
    // All are in use: here (EMFILE), or on the whole machine (ENFILE).
  }
  for (const file of files) closeSync(file);
  return files.length;
}

/**
 * Throws MeterError('environment') where fewer files than `needed` may still be opened: without any, programs can't be
 * attached nor connections accepted. `when` says for the message: `before anything is loaded`.
 */
export function requireDescriptors(needed: number, when: string): void {
  limit ??= openFilesLimit();
  const free = freeDescriptors(needed);
  if (free >= needed) return;
  const left = free === 0 ? 'none is' : free === 1 ? 'one is' : `${free} are`;
  const of = limit === undefined ? '' : ` of ${limit}`;
  throw new MeterError('environment', `file descriptors: ${left} left${of} ${when}, and ${needed} are needed`, {
    remedy,
  });
}

/** The error that a user reads where the system had no descriptor left for a file; undefined of any other error. */
export function withoutDescriptor(error: unknown): MeterError | undefined {
  const { code, message } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (code !== 'EMFILE' && code !== 'ENFILE') return undefined;
  return new MeterError('environment', `file descriptors: none is left: ${message}`, { cause: error, remedy });
}

/** What the limit is, from /proc/self/limits (proc(5)); undefined where that can't be read. */
function openFilesLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
