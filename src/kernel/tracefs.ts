import { existsSync, readFileSync } from 'node:fs';

/** Where tracefs is: by itself, and where debugfs mounts it. Source: Documentation/trace/ftrace.rst. */
const places = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

interface TracefsText {
  /** Undefined where it can't be read. */
  readonly text: string | undefined;
  /** Why not: an errno such as ENOENT (tracefs is not mounted), EACCES, EPERM (lockdown). */
  readonly code: string | undefined;
}

/** The folder that has a folder for each subsystem's events; undefined where tracefs is not mounted, or not readable. */
export function eventsFolder(root: string): string | undefined {
  return places.map((place) => `${root}${place}/events`).find((path) => existsSync(path));
}

/** A file of tracefs; `root` is put in front of /sys. Never throws. */
export function readTracefs(name: string, root: string): TracefsText {
  let code: string | undefined;
  for (const place of places) {
    try {
      return { text: readFileSync(`${root}${place}/${name}`, 'latin1'), code: undefined };
    } catch (error) {
      const failed = (error as NodeJS.ErrnoException).code;
      // What is there and may not be read tells more than what isn't there.
      if (code === undefined || code === 'ENOENT') code = failed;
    }
  }
  return { text: undefined, code };
}
