import type { BpfProgramLayout } from '../btf/types.ts';
import type { ProgramPlan } from '../config/plan.ts';
import { missingCapabilities } from '../kernel/capabilities.ts';
import type { HookPresence, TellHook } from '../kernel/hooks.ts';
import { type Environment, neededCapabilities } from '../programs/reasons.ts';
import type { SourceDescription } from '../programs/without-c/starter.ts';

/** What a program attaches to. */
export interface ProgramHooks {
  /** Sections that are loaded whatever way is taken. */
  readonly sections: readonly string[];
  readonly hooks: readonly { readonly name: string; readonly ways: readonly WaySections[] }[];
  /** Its maps without C. */
  readonly sources: readonly SourceDescription[];
}

interface WaySections {
  readonly name: string;
  readonly sections: readonly string[];
}

/** Of a plan with all of a program's metrics and its object's BPF programs. */
export function programHooks(
  plan: ProgramPlan,
  programs: readonly BpfProgramLayout[],
  sources: readonly SourceDescription[],
): ProgramHooks {
  const unique = (list: readonly BpfProgramLayout[]) => [...new Set(list.map(({ section }) => section))];
  const sectionsOf = (names: readonly string[]) => unique(programs.filter(({ name }) => names.includes(name)));
  return {
    sections: unique(programs.filter(({ name }) => !plan.skip.has(name))),
    hooks: plan.hooks.map(({ name, ways }) => ({
      name,
      ways: ways.map((way) => ({ name: way.name, sections: sectionsOf(way.programs) })),
    })),
    sources,
  };
}

/** What it attaches to, and for each hook by which ways, in the order in which they are tried. */
export function attachLines({ sections, hooks, sources }: ProgramHooks): string[] {
  const all = [...new Set([...sections, ...sources.flatMap((source) => source.sections)])];
  const way = ({ name, sections: needed }: WaySections) => `${name} (${needed.join(', ')})`;
  return [
    ...(all.length > 0 ? [`attaches to ${all.join(', ')}`] : []),
    ...hooks.map(({ name, ways }) => `attaches for ${name} by ${ways.map(way).join(', else by ')}`),
  ];
}

/** One line: yes, no and why, or what can't be told; and which way in to a hook would be tried first. */
export function whetherRuns(own: ProgramHooks, tell: TellHook, environment: Environment): string {
  const tried = own.hooks.map(({ name, ways }) => firstWay(name, ways, tell));
  const states = [
    ...own.sections.map((section) => tell(section)),
    ...own.sources.map(({ state }) => state),
    ...tried.map(({ state }) => state),
  ];
  const reasons = [...new Set(states.flatMap((state) => (state.state === 'missing' ? [state.reason] : [])))];
  const ways = tried.flatMap(({ hook, way }) => (way === undefined ? [] : [`${hook} by ${way.name}`]));
  const first = ways.length > 0 ? `; first tried: ${ways.join(', ')}` : '';
  if (reasons.length > 0) {
    return `${reasons.length < states.length ? 'can run here only in part' : "can't run here"}: ${reasons.join('; ')}${first}`;
  }
  const sections = [
    ...own.sections,
    ...own.sources.flatMap((source) => source.sections),
    ...tried.flatMap(({ way }) => way?.sections ?? []),
  ];
  const needed = new Set(sections.flatMap((section) => neededCapabilities(section, environment.perfEventParanoid)));
  const lacking = missingCapabilities([...needed], environment.capabilities);
  if (lacking.length > 0) {
    return `can't run here: ${lacking.join(' and ')} ${lacking.length > 1 ? 'are' : 'is'} missing`;
  }
  const unknown = states.flatMap((state) => (state.state === 'unknown' ? [state.reason] : []));
  if (unknown.length === 0) return `can run here${first}`;
  const may = unknown.length < states.length ? 'can run here at least in part' : 'may run here';
  return `${may}: ${[...new Set(unknown)].join('; ')}${first}`;
}

/** The first way that the kernel isn't known to lack; a hook that has none is missing. */
function firstWay(
  hook: string,
  ways: readonly WaySections[],
  tell: TellHook,
): { hook: string; way: WaySections | undefined; state: HookPresence } {
  const lacks: string[] = [];
  for (const way of ways) {
    const states = way.sections.map((section) => tell(section));
    const missing = states.find((state) => state.state === 'missing');
    if (missing === undefined) {
      return { hook, way, state: states.find((state) => state.state === 'unknown') ?? { state: 'there' } };
    }
    lacks.push(missing.reason);
  }
  return { hook, way: undefined, state: { state: 'missing', reason: `no way in to ${hook}: ${lacks.join(', ')}` } };
}
