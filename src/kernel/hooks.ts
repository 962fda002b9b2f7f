import { existsSync } from 'node:fs';
import { filesIn, giveBack, readOrEmpty } from './files.ts';
import { createFunctionNames, type FunctionNames } from './functions.ts';
import { hasPmu } from './pmu.ts';
import { eventsFolder } from './tracefs.ts';

/** Whether a program can attach here, as far as that can be told without loading it. */
export type HookPresence =
  | { readonly state: 'there' }
  | { readonly state: 'missing'; readonly reason: string }
  | { readonly state: 'unknown'; readonly reason: string };

interface HooksOptions {
  /** Put in front of /sys and /proc: the host's in a container, a folder of files in tests; '' unless set. */
  readonly root?: string;
  /** The functions that may have kprobes; those of /proc/kallsyms unless given. */
  readonly functions?: FunctionNames;
}

/** Of a section's name, such as `tp_btf/sched_switch`, whether this kernel has the hook. Never throws. */
export type TellHook = (section: string) => HookPresence;

const there: HookPresence = { state: 'there' };

/** The kernel's BTF, megabytes of it, is kept from the first question that needs it until it is disposed. */
interface Hooks extends Disposable {
  readonly tell: TellHook;
}

/**
 * Tells of sections whether this kernel has their hooks. Sections are those of libbpf: Documentation/bpf/libbpf/program_types.rst.
 */
export function createHooks({ root = '', functions = createFunctionNames({ root }) }: HooksOptions = {}): Hooks {
  const types = new KernelTypes(root);
  return { tell, [Symbol.dispose]: () => types.release() };

  function tell(section: string): HookPresence {
    const [kind = '', name = ''] = split(section);
    switch (kind) {
      case 'tp_btf':
      case 'raw_tp':
      case 'raw_tracepoint':
        return tracepoint(kind, name, types);
      case 'fentry':
      case 'fexit':
      case 'fmod_ret':
        return tracedFunction(name, types);
      case 'tp':
      case 'tracepoint':
        return classicTracepoint(name, root);
      case 'kprobe':
      case 'kretprobe':
        return kernelProbe(name, functions, root);
      case 'uprobe':
      case 'uretprobe':
      case 'usdt':
        return probe('uprobe', root);
      case 'perf_event':
        return perfEvent(section, name, root);
      case 'iter':
        return iterator(name, types);
      default:
        return unknown(`"${section}" can be told only by attaching`);
    }
  }
}

/** `tp/block/block_rq_issue` is kind `tp`, name `block/block_rq_issue`; `?` in front means not loaded by itself, `.s` sleepable. */
function split(section: string): [kind: string, name: string] {
  const slash = section.indexOf('/');
  const kind = slash < 0 ? section : section.slice(0, slash);
  return [kind.replace(/^\?/, '').replace(/\.s$/, ''), slash < 0 ? '' : section.slice(slash + 1)];
}

/** Each tracepoint has a typedef of this name (include/trace/bpf_probe.h, kernel commit e8c423fb31fa); raw_tp has the same ones. */
function tracepoint(kind: string, name: string, types: KernelTypes): HookPresence {
  const needsTypes = kind === 'tp_btf';
  if (!types.known) {
    return needsTypes ? missing(noTypes) : unknown('the kernel has no BTF, which lists its tracepoints');
  }
  if (types.has(`btf_trace_${name}`)) return there;
  if (!needsTypes && types.lackModules) return unknown(`whether a module has the tracepoint ${name} ${showsLater}`);
  return missing(`this kernel has no tracepoint ${name}${types.lackModules ? ', or a module has it without BTF' : ''}`);
}

/** A name in BTF is needed and not enough: the function must be traceable and the architecture able to. */
function tracedFunction(name: string, types: KernelTypes): HookPresence {
  if (!types.known) return missing(noTypes);
  if (types.has(name)) return unknown(`whether a function can be traced ${showsLater}`);
  return missing(`this kernel has no function ${name}${types.lackModules ? ', or a module has it without BTF' : ''}`);
}

/** Each kind of objects has a function of this name (DEFINE_BPF_ITER_FUNC in include/linux/bpf.h). */
function iterator(name: string, types: KernelTypes): HookPresence {
  if (!types.known) return missing(noTypes);
  return types.has(`bpf_iter_${name}`) ? there : missing(`this kernel has no iterator ${name}`);
}

const noTypes = 'the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)';
const showsLater = 'shows when it is attached';

function classicTracepoint(name: string, root: string): HookPresence {
  const folder = eventsFolder(root);
  if (folder === undefined) return unknown('tracefs is not mounted, or not readable');
  return existsSync(`${folder}/${name}`) ? there : missing(`this kernel has no tracepoint ${name}`);
}

/** Types 1 and 2 of perf_event_open(2) are software events and tracepoints, which the kernel counts itself. */
function perfEvent(section: string, name: string, root: string): HookPresence {
  const type = /(?:^|,)type=(\w+)/.exec(name)?.[1];
  if (Number(type) === 1 || Number(type) === 2) return there;
  if (type !== undefined && !hasPmu(root)) return missing('this machine has no PMU');
  return unknown(`"${section}" can be told only by attaching`);
}

/** The perf event source is there since Linux 4.17 (commit 65074d43fc77) where the kernel was built with probes. */
function probe(kind: 'kprobe' | 'uprobe', root: string): HookPresence {
  return existsSync(`${root}/sys/bus/event_source/devices/${kind}`)
    ? unknown('whether there is such a function shows when it is attached')
    : missing(`this kernel has no ${kind}s`);
}

/** The function itself, or the compiler's clones in its place. */
function kernelProbe(section: string, functions: FunctionNames, root: string): HookPresence {
  const state = probe('kprobe', root);
  const name = /^[A-Za-z0-9_.]+(?=$|\+)/.exec(section)?.[0];
  if (state.state === 'missing' || name === undefined || functions.has(name) !== false) return state;
  return functions.variants(name).length > 0 ? state : missing(`this kernel has no function ${name}`);
}

/** The names in the BTF of the kernel and, where that lacks one, of its modules, which share its strings. */
class KernelTypes {
  readonly #root: string;
  #kernel: Buffer | undefined;
  #modules: readonly Buffer[] | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Whether the kernel has BTF of itself. */
  get known(): boolean {
    return this.#own().length > 0;
  }

  /** Whether there are modules, none of which has BTF, as before Linux 5.11 (commit 36e68442d1af). */
  get lackModules(): boolean {
    return this.#ofModules().length === 0 && readOrEmpty(`${this.#root}/proc/modules`).length > 0;
  }

  release(): void {
    for (const btf of [this.#kernel, ...(this.#modules ?? [])]) if (btf !== undefined) giveBack(btf);
    this.#kernel = undefined;
    this.#modules = undefined;
  }

  has(name: string): boolean {
    return hasName(this.#own(), name) || this.#ofModules().some((btf) => hasName(btf, name));
  }

  #own(): Buffer {
    this.#kernel ??= readOrEmpty(`${this.#root}/sys/kernel/btf/vmlinux`);
    return this.#kernel;
  }

  #ofModules(): readonly Buffer[] {
    const folder = `${this.#root}/sys/kernel/btf`;
    this.#modules ??= filesIn(folder)
      .filter((file) => file !== 'vmlinux')
      .map((file) => readOrEmpty(`${folder}/${file}`));
    return this.#modules;
  }
}

/** BTF's strings stand in one section, each after a zero byte and before one; the rest of it is numbers. */
function hasName(btf: Buffer, name: string): boolean {
  return btf.includes(`\0${name}\0`);
}

function missing(reason: string): HookPresence {
  return { state: 'missing', reason };
}

function unknown(reason: string): HookPresence {
  return { state: 'unknown', reason };
}
