import type { ObjectLayout } from '../../btf/types.ts';
import type { HookPlan, NeedsPlan, ProgramPlan, WayPlan } from '../plan.ts';
import type { ProgramFile } from '../program/file.ts';
import type { HookEntry, WayEntry } from '../program/hooks.ts';
import type { MetricEntry } from '../program/metric.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { Located } from '../yaml/located.ts';
import { suggest } from '../yaml/nearest.ts';
import { constantValue } from './constants.ts';
import { findMap } from './object-parts.ts';
import { blameOperator, type OperatorSettings } from './operator-settings.ts';

/**
 * What of the object is loaded: the hooks that enabled metrics need, each with the ways that are to be tried, and the
 * BPF programs that are loaded as part of a way only, or not at all, and maps of ways that aren't. `fullName` is a metric's name with the namespace.
 */
export function resolveHooks(
  file: ProgramFile,
  enabled: readonly MetricEntry[],
  fullName: (metric: MetricEntry) => string,
  options: OperatorSettings,
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): Pick<ProgramPlan, 'hooks' | 'skip' | 'skipMaps' | 'needs'> {
  const functions = layout.programs.map(({ name }) => name);
  checkNeeds(file, functions, layout, diagnostics);
  checkConstants(file, options, diagnostics);
  checkOperator(file, options, diagnostics);
  const all = [...file.hooks.values()].map((hook) => resolveHook(hook, functions, layout, diagnostics));

  const named = new Set(file.metrics.flatMap(namesIn));
  const wanted = new Set(enabled.flatMap(namesIn));
  const hooks = all
    // As a BPF program that no metric names, such a hook is there for all of them.
    .filter(({ name }) => wanted.has(name) || !named.has(name))
    .map(({ name, ways }) => {
      const tried = triedWays(file.hooks.get(name)!, options.ways?.get(name));
      return { name, ways: ways.filter((way) => tried.includes(way.name)) };
    });
  const inWays = all.flatMap(({ ways }) => ways.flatMap(({ programs }) => programs));
  return {
    hooks,
    skip: new Set([...named, ...inWays].filter((name) => functions.includes(name) && !wanted.has(name))),
    skipMaps: new Set(mapsOf(all).filter((map) => !mapsOf(hooks).includes(map))),
    needs: new Map(enabled.map((metric) => [fullName(metric), needsOf(metric)])),
  };
}

function triedWays({ ways }: HookEntry, chosen: string | undefined): string[] {
  const tried = ways.filter(({ name, isDefault }) => (chosen === undefined ? isDefault : name.value === chosen));
  return texts(tried.map(({ name }) => name));
}

function mapsOf(hooks: readonly HookPlan[]): string[] {
  return hooks.flatMap(({ ways }) => ways.flatMap(({ maps }) => maps));
}

function needsOf({ needs }: MetricEntry): NeedsPlan {
  return { programs: needs.programs && texts(needs.programs), any: texts(needs.any) };
}

function namesIn({ needs }: MetricEntry): string[] {
  return texts([...(needs.programs ?? []), ...needs.any]);
}

function resolveHook(
  { name, ways }: HookEntry,
  functions: readonly string[],
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): HookPlan {
  if (functions.includes(name.value)) {
    diagnostics.error(name.at, `hook "${name.value}": a BPF program of ${layout.path} has this name`);
  }
  return {
    name: name.value,
    ways: ways.map((way) => resolveWay(way, functions, layout, diagnostics)),
  };
}

function resolveWay(
  way: WayEntry,
  functions: readonly string[],
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): WayPlan {
  for (const { value, at } of way.programs) {
    if (functions.includes(value)) continue;
    diagnostics.error(at, `no BPF program "${value}" in ${layout.path}${suggest(value, functions)}`);
  }
  const constants = new Map<string, number | bigint>();
  for (const [name, { value, at }] of way.constants) {
    const number = constantValue(name, value, at, '', layout, diagnostics);
    if (number !== undefined) constants.set(name, number);
  }
  for (const map of way.maps) findMap(map, layout, diagnostics);
  return { name: way.name.value, programs: texts(way.programs), constants, maps: texts(way.maps) };
}

function texts(list: readonly Located<string>[]): string[] {
  return list.map(({ value }) => value);
}

function checkNeeds(
  file: ProgramFile,
  functions: readonly string[],
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): void {
  const hooks = [...file.hooks.keys()];
  const what = hooks.length > 0 ? 'hook or BPF program' : 'BPF program';
  const check = ({ value, at }: Located<string>) => {
    if (hooks.includes(value) || functions.includes(value)) return;
    const message = `no ${what} "${value}" in ${layout.path}${suggest(value, [...hooks, ...functions])}`;
    diagnostics.error(at, message);
  };
  for (const { needs } of file.metrics) [...(needs.programs ?? []), ...needs.any].forEach(check);
}

/** A constant that a way sets is nobody else's, so that what it is doesn't depend on the order of things. */
function checkConstants(file: ProgramFile, options: OperatorSettings, diagnostics: Diagnostics): void {
  const owners = new Map<string, HookEntry>();
  const needed = new Set(file.metrics.flatMap(({ needs }) => needs.constants.map(({ value }) => value)));
  for (const hook of file.hooks.values()) {
    for (const way of hook.ways) {
      for (const [name, { at }] of way.constants) {
        const owner = owners.get(name);
        if (needed.has(name)) diagnostics.error(at, `constant "${name}" is set by the metrics that need it`);
        else if (owner !== undefined && owner !== hook) {
          diagnostics.error(at, `constant "${name}" is set by hook "${owner.name.value}" too`);
        }
        owners.set(name, owner ?? hook);
      }
    }
  }
  for (const name of options.constants?.keys() ?? []) {
    const owner = owners.get(name)?.name.value;
    if (owner === undefined) continue;
    const message = `constant "${name}" is set by the way in to hook "${owner}": choose that with "ways"`;
    blameOperator(`constants.${name}`, message, file, options, diagnostics);
  }
}

function checkOperator(file: ProgramFile, options: OperatorSettings, diagnostics: Diagnostics): void {
  for (const [hook, way] of options.ways ?? []) {
    const report = (setting: string, message: string) => blameOperator(setting, message, file, options, diagnostics);
    const known = file.hooks.get(hook);
    if (known === undefined) {
      const hooks = [...file.hooks.keys()];
      const none = hooks.length === 0 ? '; it has no hooks with several ways' : suggest(hook, hooks);
      report(`ways.${hook}`, `program "${file.name}" has no hook "${hook}"${none}`);
    } else if (!known.ways.some(({ name }) => name.value === way)) {
      const ways = known.ways.map(({ name }) => name.value);
      report(`ways.${hook}.${way}`, `hook "${hook}" has no way "${way}"${suggest(way, ways)}`);
    }
  }
}
