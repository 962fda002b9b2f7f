import { existsSync, readFileSync } from 'node:fs';

/** Whether a program can attach here, as far as that can be told without loading it. */
export type HookState =
  | { readonly state: 'there' }
  | { readonly state: 'missing'; readonly reason: string }
  | { readonly state: 'unknown'; readonly reason: string };

export interface HooksOptions {
  /** Put in front of /sys: the host's in a container, a folder of files in tests; '' unless set. */
  readonly root?: string;
}

const there: HookState = { state: 'there' };

/**
 * A function that tells of a section's name, such as `tp_btf/sched_switch`, whether this kernel has the hook.
 * It never throws; the kernel's BTF is read when it is first needed, and kept.
 * Sections are those of libbpf: Documentation/bpf/libbpf/program_types.rst.
 */
export function createHooks({ root = '' }: HooksOptions = {}): (section: string) => HookState {
  let strings: Buffer | undefined;
  const btf = (): Buffer => {
    strings ??= readOrEmpty(`${root}/sys/kernel/btf/vmlinux`);
    return strings;
  };

  return (section) => {
    const [kind = '', name = ''] = split(section);
    switch (kind) {
      case 'tp_btf':
      case 'raw_tp':
      case 'raw_tracepoint':
        return tracepoint(kind, name, btf());
      case 'fentry':
      case 'fexit':
      case 'fmod_ret':
        return tracedFunction(name, btf());
      case 'tp':
      case 'tracepoint':
        return classicTracepoint(name, root);
      case 'kprobe':
      case 'kretprobe':
        return probe('kprobe', root);
      case 'uprobe':
      case 'uretprobe':
      case 'usdt':
        return probe('uprobe', root);
      default:
        return unknown(`"${section}" can be told only by attaching`);
    }
  };
}

/** `tp/block/block_rq_issue` is kind `tp`, name `block/block_rq_issue`; `?` in front means not loaded by itself, `.s` sleepable. */
function split(section: string): [kind: string, name: string] {
  const slash = section.indexOf('/');
  const kind = slash < 0 ? section : section.slice(0, slash);
  return [kind.replace(/^\?/, '').replace(/\.s$/, ''), slash < 0 ? '' : section.slice(slash + 1)];
}

/** Each tracepoint has a typedef of this name (include/trace/bpf_probe.h, kernel commit e8c423fb31fa); raw_tp has the same ones. */
function tracepoint(kind: string, name: string, btf: Buffer): HookState {
  if (btf.length === 0) {
    return kind === 'tp_btf'
      ? missing('the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)')
      : unknown('the kernel has no BTF, which lists its tracepoints');
  }
  return hasName(btf, `btf_trace_${name}`) ? there : missing(`this kernel has no tracepoint ${name}`);
}

/** A name in BTF is needed and not enough: the function must be traceable and the architecture able to. */
function tracedFunction(name: string, btf: Buffer): HookState {
  if (btf.length === 0) return missing('the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)');
  if (!hasName(btf, name)) return missing(`this kernel has no function ${name}, unless a module has it`);
  return unknown('whether a function can be traced shows when it is attached');
}

function classicTracepoint(name: string, root: string): HookState {
  const folder = [`${root}/sys/kernel/tracing/events`, `${root}/sys/kernel/debug/tracing/events`].find((path) =>
    existsSync(path),
  );
  if (folder === undefined) return unknown('tracefs is not mounted, or not readable');
  return existsSync(`${folder}/${name}`) ? there : missing(`this kernel has no tracepoint ${name}`);
}

/** The perf event source is there since Linux 4.17 (commit 65074d43fc77) where the kernel was built with probes. */
function probe(kind: 'kprobe' | 'uprobe', root: string): HookState {
  return existsSync(`${root}/sys/bus/event_source/devices/${kind}`)
    ? unknown('whether there is such a function shows when it is attached')
    : missing(`this kernel has no ${kind}s`);
}

/** BTF's strings stand in one section, each after a zero byte and before one; the rest of it is numbers. */
function hasName(btf: Buffer, name: string): boolean {
  return btf.includes(`\0${name}\0`);
}

function missing(reason: string): HookState {
  return { state: 'missing', reason };
}

function unknown(reason: string): HookState {
  return { state: 'unknown', reason };
}

function readOrEmpty(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
