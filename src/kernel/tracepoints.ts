import { filesIn, readOrEmpty } from './files.ts';
import { compileGlob, type Pattern } from './glob.ts';
import { readTracefs } from './tracefs.ts';

interface FoundTracepoints<P extends Pattern> {
  /** Names without subsystems, sorted: a kernel has no two of the same name. */
  readonly names: readonly string[];
  /** Patterns, of those that don't leave out, that name nothing here. */
  readonly unmatched: readonly {
    readonly pattern: P;
    readonly reason: string;
    /** Names to suggest in its place, with subsystems where the pattern has one. */
    readonly known: readonly string[];
  }[];
}

interface Tracepoint {
  readonly name: string;
  /** Undefined where only BTF tells the tracepoint. */
  readonly subsystem: string | undefined;
}

/** Events that aren't tracepoints: made from others, by ftrace itself, or by users. */
const madeUp: ReadonlySet<string> = new Set(['syscalls', 'ftrace', 'kprobes', 'uprobes', 'eprobes', 'synthetic']);
const typedef = Buffer.from('\0btf_trace_');

/**
 * The tracepoints that the patterns name: `sched:*`, which needs tracefs (available_events), or `sched_*` without a
 * subsystem, for which the kernel's BTF will do: it has a typedef `btf_trace_NAME` of each tracepoint
 * (include/trace/bpf_probe.h), since 5.11 of those of modules too. `root` is put in front of /sys. Never throws.
 */
export function findTracepoints<P extends Pattern>(patterns: readonly P[], root = ''): FoundTracepoints<P> {
  const { text: listed, code } = readTracefs('available_events', root);
  const events = (listed ?? '').split('\n').flatMap((line) => parseEvent(line));
  const tracepoints: Tracepoint[] = events.filter(({ subsystem }) => !madeUp.has(subsystem));
  const known = new Set(tracepoints.map(({ name }) => name));
  for (const name of namesInBtf(root)) if (!known.has(name)) tracepoints.push({ name, subsystem: undefined });

  const excluded = patterns.filter(({ excludes }) => excludes).map(({ text }) => matcher(text));
  const names = new Set<string>();
  const unmatched: FoundTracepoints<P>['unmatched'][number][] = [];
  for (const pattern of patterns) {
    if (pattern.excludes) continue;
    const matches = matcher(pattern.text);
    const found = tracepoints.filter(matches);
    for (const one of found) if (!excluded.some((leavesOut) => leavesOut(one))) names.add(one.name);
    if (found.length > 0) continue;
    const inSubsystem = pattern.text.includes(':');
    unmatched.push({
      pattern,
      reason: why(inSubsystem, listed === undefined ? code : undefined, events.filter(matches), tracepoints.length > 0),
      known: inSubsystem
        ? tracepoints.flatMap(({ name, subsystem }) => (subsystem === undefined ? [] : [`${subsystem}:${name}`]))
        : tracepoints.map(({ name }) => name),
    });
  }
  return { names: [...names].sort(), unmatched };
}

function why(
  inSubsystem: boolean,
  unreadable: string | undefined,
  matchedEvents: readonly { subsystem: string }[],
  anyKnown: boolean,
): string {
  const [event] = matchedEvents;
  if (event?.subsystem === 'syscalls') {
    return 'events of "syscalls" are no tracepoints but made from raw_syscalls:sys_enter and sys_exit (see the program syscall)';
  }
  if (event !== undefined) return `events of "${event.subsystem}" are no tracepoints`;
  if (inSubsystem && unreadable !== undefined) {
    return `subsystems stand only in tracefs, which can't be read (${unreadable}): leave the subsystem out, or mount tracefs and give CAP_DAC_READ_SEARCH`;
  }
  return anyKnown ? 'this kernel has no such tracepoint' : "the kernel doesn't tell its tracepoints (tracefs, BTF)";
}

function matcher(text: string): (one: Tracepoint) => boolean {
  const [, subsystem, name = text] = /^([^:]+):(.*)$/.exec(text) ?? [];
  const matchesName = compileGlob(name);
  if (subsystem === undefined) return (one) => matchesName(one.name);
  const matchesSubsystem = compileGlob(subsystem);
  return (one) => one.subsystem !== undefined && matchesSubsystem(one.subsystem) && matchesName(one.name);
}

/** Lines `subsystem:name`. */
function parseEvent(line: string): { name: string; subsystem: string }[] {
  const colon = line.indexOf(':');
  return colon > 0 ? [{ subsystem: line.slice(0, colon), name: line.slice(colon + 1) }] : [];
}

/** Of the kernel, `vmlinux`, and since Linux 5.11 of each module. */
function namesInBtf(root: string): string[] {
  const folder = `${root}/sys/kernel/btf`;
  const names: string[] = [];
  for (const file of filesIn(folder)) {
    const btf = readOrEmpty(`${folder}/${file}`);
    for (let at = btf.indexOf(typedef); at >= 0; at = btf.indexOf(typedef, at + 1)) {
      const from = at + typedef.length;
      names.push(btf.toString('latin1', from, btf.indexOf(0, from)));
    }
  }
  return names;
}
