import type { TablePlan } from '../config/plan.ts';
import { areEqual, type JoinableTable, joinable } from '../config/resolve/equal-tables.ts';
import { joinedReader } from '../maps/joined.ts';
import type { MapReaders } from '../maps/reading.ts';
import { withoutMetrics } from './absent.ts';
import type { RunningProgram } from './running.ts';

interface Part {
  readonly program: RunningProgram;
  readonly table: TablePlan;
  readonly joinable: JoinableTable;
}

/**
 * The programs with each metric in one of them alone: where several define it equally, the first exports what is counted
 * in the maps of all of them.
 */
export function joinEqualMetrics(running: readonly RunningProgram[]): readonly RunningProgram[] {
  const parts = new Map<string, Part[]>();
  for (const program of running) {
    for (const table of program.plan.tables) {
      const one = joinable(table);
      if (one === undefined) continue;
      const { name } = one.metrics[0]!;
      parts.set(name, [...(parts.get(name) ?? []), { program, table, joinable: one }]);
    }
  }
  const shared = [...parts].filter(([, [first, ...others]]) =>
    others.some((part) => areEqual(part.joinable, first!.joinable)),
  );
  return shared.reduce((programs, [metric, all]) => join(programs, metric, all), running);
}

function join(programs: readonly RunningProgram[], metric: string, parts: readonly Part[]): readonly RunningProgram[] {
  const [first] = parts;
  const name = `${first!.table.name} (${parts.map(({ program }) => program.name).join(', ')})`;
  return programs.map((program) => {
    if (program.name === first!.program.name) return joined(program, first!, name, parts);
    if (!parts.some((part) => part.program.name === program.name)) return program;
    return { ...program, plan: withoutMetrics(program.plan, new Set([metric])) };
  });
}

function joined(program: RunningProgram, { table, joinable: one }: Part, name: string, parts: readonly Part[]) {
  // The map's number stands between the key and the CPU's.
  const labels = one.labels.map((label, index) => {
    const isCpu = one.source.perCpu === 'label' && index === one.labels.length - 1;
    return isCpu ? { ...label, offset: label.offset + 1 } : label;
  });
  const source = { ...one.source, map: name };
  const plan: TablePlan = { ...one, name: table.name, keySize: one.keySize + 1, labels, source };
  const before: MapReaders = program.readers;
  const readers: MapReaders = {
    cpus: before.cpus,
    begin: () => before.begin?.(),
    memory: (map) => before.memory(map),
    entries(map) {
      if (map !== name) return before.entries(map);
      return joinedReader(
        name,
        parts.map((part) => part.program.readers.entries(part.joinable.source.map)),
      );
    },
  };
  const tables = program.plan.tables.map((other) => (other === table ? plan : other));
  return { ...program, plan: { ...program.plan, tables }, readers };
}
