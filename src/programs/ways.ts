import type { BpfProgramLayout } from '../btf/types.ts';
import type { HookPlan, NeedsPlan, ProgramPlan, WayPlan } from '../config/plan.ts';
import { MeterError } from '../errors.ts';
import { libbpfCause } from '../libbpf/error.ts';
import type { AbsentMetrics } from './absent.ts';
import type { KernelHooks } from './kernel-hooks.ts';

/** What became of a hook with ways in. */
export interface HookOutcome {
  readonly hook: string;
  /** The way that was taken; undefined: the kernel takes none. */
  readonly way: string | undefined;
  /** Those before it, all of them where none was taken. */
  readonly passed: readonly PassedWay[];
  /**
   * Why the hook is no mere lack of this kernel's: the process has no right to it, or the kernel failed in a way that
   * doesn't tell that a hook isn't there. Undefined where a way was taken, or the kernel lacks them.
   */
  readonly error: MeterError | undefined;
}

/** A way in that a kernel didn't take. */
interface PassedWay {
  readonly way: string;
  /** In a few words: `this kernel has no tracepoint contention_begin`, `ESRCH`. */
  readonly cause: string;
  /** All that is known of it. */
  readonly error: MeterError;
  /** False where the error says more than that the kernel lacks the hook. */
  readonly isLack: boolean;
}

/** What of an object is to be loaded next. */
export interface WaySelection {
  /** BPF programs that are part of a way. */
  readonly inWays: ReadonlySet<string>;
  /** BPF programs that only metrics need which are absent. */
  readonly unneeded: ReadonlySet<string>;
  /** Those of the ways. */
  readonly constants: ReadonlyMap<string, number | bigint>;
  /** BPF maps that only other ways use. */
  readonly unusedMaps: ReadonlySet<string>;
}

/**
 * Which way in to each hook is to be tried, and why those before it weren't taken. Ways that the kernel is known to lack
 * are passed over untried. What a metric needs beside a missing hook is not tried either, unless another metric needs it.
 */
export class TriedWays {
  readonly #plan: ProgramPlan;
  readonly #passed = new Map<string, PassedWay[]>();
  readonly #sections: ReadonlyMap<string, string>;
  readonly #kernel: Pick<KernelHooks, 'tell' | 'refuse'>;
  /** Those of all ways, of hooks that aren't needed too. */
  readonly #maps: readonly string[];

  constructor(plan: ProgramPlan, programs: readonly BpfProgramLayout[], kernel: Pick<KernelHooks, 'tell' | 'refuse'>) {
    this.#plan = plan;
    this.#sections = new Map(programs.map(({ name, section }) => [name, section]));
    this.#kernel = kernel;
    this.#maps = plan.hooks.flatMap(({ ways }) => ways.flatMap(({ maps }) => maps));
    for (const hook of plan.hooks) {
      this.#passed.set(hook.name, []);
      this.#passLacking(hook);
    }
  }

  select(): WaySelection {
    const unneeded = this.#unneeded();
    const ways = this.#current(unneeded).map(({ way }) => way);
    const inWays = new Set(ways.flatMap(({ programs }) => programs));
    return {
      inWays,
      unneeded: new Set([...unneeded].filter((name) => !inWays.has(name))),
      constants: new Map(ways.flatMap(({ constants }) => [...constants])),
      unusedMaps: new Set(this.#maps.filter((map) => !ways.some(({ maps }) => maps.includes(map)))),
    };
  }

  /**
   * A BPF program failed at load or at attach; `isLack`: in a way that tells that the kernel lacks the hook. Returns whether
   * the program is part of a way, in whose place the next will be tried.
   */
  pass(program: string, error: MeterError, isLack: boolean): boolean {
    const passed = this.#pass(({ programs }) => programs.includes(program), error, isLack);
    if (isLack && error.code === 'load' && libbpfCause(error)?.code === 'EPERM') {
      this.#kernel.refuse(this.#sections.get(program) ?? '');
      for (const hook of this.#plan.hooks) this.#passLacking(hook);
    }
    return passed;
  }

  /** The same for a BPF map that could not be created. */
  passMap(map: string, error: MeterError, isLack: boolean): boolean {
    return this.#pass(({ maps }) => maps.includes(map), error, isLack);
  }

  #pass(failed: (way: WayPlan) => boolean, error: MeterError, isLack: boolean): boolean {
    const concerned = this.#current(this.#unneeded()).filter(({ way }) => failed(way));
    for (const { hook, way } of concerned) {
      const cause = libbpfCause(error)?.code ?? error.message;
      this.#passed.get(hook.name)!.push({ way: way.name, cause, error, isLack });
      this.#passLacking(hook);
    }
    return concerned.length > 0;
  }

  /** In the order of the plan; hooks that only absent metrics need are left out. */
  outcomes(): HookOutcome[] {
    const current = this.#current(this.#unneeded());
    return this.#plan.hooks.flatMap((hook): HookOutcome[] => {
      const passed = this.#passed.get(hook.name)!;
      const way = current.find((one) => one.hook === hook)?.way.name;
      if (way !== undefined) return [{ hook: hook.name, way, passed, error: undefined }];
      if (!this.#isMissing(hook)) return [];
      const error = passed.find(({ isLack }) => !isLack)?.error;
      return [{ hook: hook.name, way, passed, error }];
    });
  }

  /**
   * Metrics that can't be had without the hooks that are missing, by hook, and how that is said of a kernel's release. Those
   * that name nothing count by whatever is attached, so they are absent where nothing is.
   */
  absent(release: string, isAttached: boolean): AbsentMetrics[] {
    const missing = this.#missing();
    const groups = new Map<string, { hooks: HookOutcome[]; metrics: string[]; others: string[] }>();
    for (const outcome of this.outcomes()) {
      if (outcome.way !== undefined) continue;
      const concerned = [...this.#plan.needs].filter(([, needs]) => names(needs).includes(outcome.hook));
      const unnamed = [...this.#plan.needs].filter(([, needs]) => !isAttached && namesNothing(needs));
      const absent = [...concerned.filter(([, needs]) => isAbsent(needs, missing)), ...unnamed];
      const metrics = absent.map(([name]) => name);
      const others = concerned.filter(([, needs]) => !isAbsent(needs, missing)).map(([name]) => name);
      // A program for several file systems has as many hooks as there are, and most kernels lack some.
      const group = groups.get(metrics.join());
      if (group === undefined) groups.set(metrics.join(), { hooks: [outcome], metrics, others });
      else group.hooks.push(outcome);
    }
    return [...groups.values()].map(({ hooks, metrics, others }) => {
      const rest = others.length === 0 ? '' : `; still counted: ${others.join(', ')}`;
      const subject = `${this.#plan.name}: Linux ${release} has no way in to`;
      return { metrics, level: 'info', reason: `${subject} ${hooksText(hooks)}${metrics.length === 0 ? rest : ''}` };
    });
  }

  #passLacking(hook: HookPlan): void {
    const passed = this.#passed.get(hook.name)!;
    for (const way of hook.ways.slice(passed.length)) {
      const cause = this.#lack(way);
      if (cause === undefined) return;
      const error = new MeterError('attach', `${this.#plan.name}: ${hook.name} by ${way.name}: ${cause}`);
      passed.push({ way: way.name, cause, error, isLack: true });
    }
  }

  #lack({ programs }: WayPlan): string | undefined {
    for (const name of programs) {
      const state = this.#kernel.tell(this.#sections.get(name) ?? '');
      if (state.state === 'missing') return state.reason;
    }
    return undefined;
  }

  #current(unneeded: ReadonlySet<string>): { hook: HookPlan; way: WayPlan }[] {
    return this.#plan.hooks.flatMap((hook) => {
      const way = hook.ways[this.#passed.get(hook.name)!.length];
      return way === undefined || unneeded.has(hook.name) ? [] : [{ hook, way }];
    });
  }

  #isMissing(hook: HookPlan): boolean {
    return this.#passed.get(hook.name)!.length >= hook.ways.length;
  }

  #missing(): ReadonlySet<string> {
    return new Set(this.#plan.hooks.filter((hook) => this.#isMissing(hook)).map(({ name }) => name));
  }

  #unneeded(): ReadonlySet<string> {
    const missing = this.#missing();
    const all = [...this.#plan.needs.values()];
    const present = new Set(all.filter((needs) => !isAbsent(needs, missing)).flatMap(names));
    return new Set(all.flatMap(names).filter((name) => !present.has(name)));
  }
}

function isAbsent({ programs = [], any }: NeedsPlan, missing: ReadonlySet<string>): boolean {
  return programs.some((name) => missing.has(name)) || (any.length > 0 && any.every((name) => missing.has(name)));
}

function namesNothing({ programs, any }: NeedsPlan): boolean {
  return programs === undefined && any.length === 0;
}

function names({ programs = [], any }: NeedsPlan): string[] {
  return [...programs, ...any];
}

/** Of several hooks no more than why: which of their ways lacks what is told of each at level debug. */
function hooksText(hooks: readonly HookOutcome[]): string {
  const list = hooks.map(({ hook }) => `"${hook}"`).join(', ');
  if (hooks.length === 1) {
    return `the hook ${list} (${hooks[0]!.passed.map(({ way, cause }) => `${way}: ${cause}`).join('; ')})`;
  }
  const causes = [...new Set(hooks.flatMap(({ passed }) => passed.map(({ cause }) => cause)))];
  return `the hooks ${list} (${causes.length > 3 ? [...causes.slice(0, 3), '…'].join('; ') : causes.join('; ')})`;
}
