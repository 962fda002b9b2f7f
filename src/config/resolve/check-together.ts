import { isDeepStrictEqual } from 'node:util';
import type { TranslationStrategy } from '../exporter/configuration.ts';
import { clashText, type NamedMetric, PageNames } from '../names/page.ts';
import type { MetricPlan, TablePlan } from '../plan.ts';
import type { Position } from '../yaml/diagnostic.ts';
import { areEqual, joinable } from './equal-tables.ts';
import type { ResolvedProgram } from './program.ts';

interface Found extends NamedMetric {
  readonly program: ResolvedProgram;
  readonly table: TablePlan;
  readonly metric: MetricPlan;
  readonly at: Position;
}

/** A metric that another program's is in the way of. */
export interface Conflict {
  /** The program's name. */
  readonly program: string;
  /** Its full name. */
  readonly metric: string;
  readonly at: Position;
  readonly message: string;
}

/**
 * What only all programs together show: a metric that two of them define differently, and names of metrics that are
 * different for OpenTelemetry and the same on a Prometheus page. Of two programs the later one's metric is in the result.
 * What is wrong within one program is not looked at (check-alone.ts). `strategies` are those of the readers.
 */
export function checkTogether(
  programs: readonly ResolvedProgram[],
  strategies: readonly TranslationStrategy[],
): readonly Conflict[] {
  const all = programs.flatMap((program) =>
    program.tables.flatMap((table) =>
      table.metrics.map((metric): Found => {
        const { name, unit, kind } = metric;
        return { program, table, metric, name, unit, kind, at: program.origins.get(name)!.name };
      }),
    ),
  );
  const conflicts: Conflict[] = [];
  const leaveOut = ({ program, metric, at }: Found, message: string) =>
    conflicts.push({ program: program.name, metric: metric.name, at, message });
  const byName = new Map<string, Found>();
  for (const found of all) {
    const first = byName.get(found.name);
    if (first === undefined) byName.set(found.name, found);
    else if (first.program !== found.program && !isEqual(first, found)) {
      leaveOut(found, `metric "${found.name}" is there already, ${difference(first, found)}`);
    }
  }
  let rest = [...byName.values()];
  for (const strategy of new Set(strategies)) {
    const names = new PageNames<Found>(strategy);
    rest = rest.filter((found) => {
      const clash = names.take(found);
      if (clash === undefined || clash.other.program === found.program) return true;
      leaveOut(found, clashText(found, clash));
      return false;
    });
  }
  return conflicts;
}

/** Whether the two are one metric that is counted in two maps. */
function isEqual(first: Found, second: Found): boolean {
  const [one, other] = [joinable(first.table), joinable(second.table)];
  return one !== undefined && other !== undefined && areEqual(one, other);
}

function difference(first: Found, second: Found): string {
  const where = `in ${first.at.file}:${first.at.line}`;
  const kinds = [first.metric.kind, second.metric.kind];
  const units = [first.metric.unit, second.metric.unit];
  const labels = [labelNames(first), labelNames(second)];
  for (const [what, [one, other]] of [
    ['of kind', kinds],
    ['in unit', units],
    ['with labels', labels],
  ] as const) {
    if (one !== other) return `${where} ${what} "${one}" instead of "${other}"`;
  }
  if (first.metric.kind === 'gauge') return `${where}, and levels can't be added up`;
  if (first.metric.help !== second.metric.help) return `${where} with another help`;
  const decoders = [first, second].map(({ table }) => table.labels.map((label) => label.decoders));
  if (!isDeepStrictEqual(decoders[0], decoders[1])) return `${where} with other decoders`;
  return `${where} with other buckets or another layout of the map`;
}

function labelNames({ table }: Found): string {
  return table.labels.map(({ name }) => name).join(', ');
}
