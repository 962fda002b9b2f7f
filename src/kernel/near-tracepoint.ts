import { readdirSync } from 'node:fs';
import { readOrEmpty } from './files.ts';
import { eventsFolder } from './tracefs.ts';

/** Sections of tracepoints, with or without the group that it is in. */
const typed = /^\??(?:tp_btf|raw_tp|raw_tracepoint)\/(\w+)$/;
const classic = /^\??(?:tp|tracepoint)\/(\w+)\/(\w+)$/;

/**
 * The names of tracepoints that this kernel has where a section names one, as they would stand in it: of BTF, or of the
 * group in tracefs. Empty for other sections. Megabytes are read, so it is for when one isn't there.
 */
export function tracepointNames(
  section: string,
  root = '',
): { readonly name: string; readonly known: readonly string[] } {
  const name = typed.exec(section)?.[1];
  if (name !== undefined) {
    const strings = readOrEmpty(`${root}/sys/kernel/btf/vmlinux`).toString('latin1');
    return { name, known: [...strings.matchAll(/\0btf_trace_(\w+)(?=\0)/g)].map(([, known]) => known!) };
  }
  const [, group, event] = classic.exec(section) ?? [];
  const folder = eventsFolder(root);
  if (group === undefined || event === undefined || folder === undefined) return { name: '', known: [] };
  return { name: `${group}/${event}`, known: eventsOf(folder, group).map((known) => `${group}/${known}`) };
}

function eventsOf(folder: string, group: string): readonly string[] {
  try {
    const entries = readdirSync(`${folder}/${group}`, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}
