import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HistogramMetricPlan, NumberMetricPlan, ProgramPlan } from '../../../src/config/plan.ts';
import { needsNoObject, parseProgramFile } from '../../../src/config/program/file.ts';
import { resolveProgram } from '../../../src/config/resolve/program.ts';
import { Diagnostics } from '../../../src/config/yaml/diagnostic.ts';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import { createKernelFacts } from '../../../src/kernel/facts.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import type { Rows } from '../../../src/metrics/rows.ts';
import { Store } from '../../../src/metrics/store.ts';
import { Tallies } from '../../../src/metrics/tallies.ts';
import { failuresOf } from '../../../src/programs/load-all.ts';
import type { RunningProgram } from '../../../src/programs/running.ts';
import { startProgram } from '../../../src/programs/start.ts';
import { cgroupNames } from '../../../src/programs/without-c/cgroup-names.ts';
import { throwErrors } from '../../helpers/throw-errors.ts';

export interface HistogramValue {
  readonly bounds: readonly number[];
  /** Not cumulated. */
  readonly slots: readonly number[];
  readonly count: number;
  /** In the metric's unit. */
  readonly sum: number;
}

/** A shipped program that counts, read through the exporter's own store. */
export interface Counting extends Disposable {
  /** C functions that are attached. */
  readonly attached: readonly string[];
  /** By hook with ways in, the way that was taken; undefined: the kernel takes none. */
  readonly ways: ReadonlyMap<string, string | undefined>;
  /** A metric's values by its attributes' values, joined by a space: `loop0 read`. Metrics without attributes have ''. */
  numbers(metric: string): Promise<ReadonlyMap<string, number>>;
  histograms(metric: string): Promise<ReadonlyMap<string, HistogramValue>>;
}

export interface CountingOptions {
  readonly constants?: Readonly<Record<string, number>>;
  /** Without the namespace; all unless given. */
  readonly metrics?: readonly string[];
  /** By hook, the only way in that is tried. */
  readonly ways?: Readonly<Record<string, string>>;
  /** Network interfaces that an XDP program is attached to. */
  readonly interfaces?: readonly string[];
  /** Sizes of maps, in place of the program's own. */
  readonly maxEntries?: Readonly<Record<string, number>>;
}

const root = join(import.meta.dirname, '../../..');

/**
 * Loads and attaches a shipped program, `build/programs/NAME.bpf.o` and its YAML, or the YAML alone where its maps are
 * without C; throws where anything of it fails.
 */
export function count(
  program: string,
  { constants = {}, metrics, ways = {}, interfaces, maxEntries = {} }: CountingOptions = {},
): Counting {
  const path = join(root, 'config/programs', `${program}.yaml`);
  const diagnostics = new Diagnostics();
  const file = parseProgramFile(readFileSync(path, 'utf8'), path, diagnostics);
  const opened =
    file && needsNoObject(file) ? undefined : OpenedObject.open(join(root, 'build/programs', `${program}.bpf.o`));
  const options = {
    namespace: '',
    cpus: possibleCpus().indexes,
    metrics,
    interfaces,
    constants: new Map(Object.entries(constants)),
    ways: new Map(Object.entries(ways)),
  };
  const plan = file && resolveProgram(file, opened?.layout(), options, diagnostics);
  throwErrors(diagnostics);
  for (const [map, entries] of Object.entries(maxEntries)) opened?.setMaxEntries(map, entries);
  const running = startProgram(plan!, opened);
  const [failure] = failuresOf({ running: [running], failures: [], conflicts: [], [Symbol.dispose]() {} });
  if (failure) {
    running[Symbol.dispose]();
    throw failure;
  }
  return readCounts(plan!, running);
}

/** The plan of a YAML whose maps are all without C; its names have no namespace. */
export function planOf(yaml: string): ProgramPlan {
  const diagnostics = new Diagnostics();
  const file = parseProgramFile(yaml, 'test.yaml', diagnostics);
  const options = { namespace: '', cpus: possibleCpus().indexes };
  const plan = file && resolveProgram(file, undefined, options, diagnostics);
  throwErrors(diagnostics);
  return plan!;
}

/** Reads what runs already, and ends it when it is disposed. */
export function readCounts(plan: ProgramPlan, running: RunningProgram): Counting {
  const tallies = new Tallies();
  const names = cgroupNames([plan], (warning) => {
    throw warning;
  });
  const cgroups = names?.cgroups;
  const store = new Store([running], createKernelFacts({ cgroups }), tallies, cgroups);

  const rowsOf = async (name: string) => {
    const { tables, errors } = await store.read();
    if (errors[0]) throw errors[0];
    for (const { table, label } of tallies.decodeErrors()) throw new Error(`${table}: ${label} can't be decoded`);
    for (const rows of tables) {
      const metric = rows.plan.metrics.find((candidate) => candidate.name === name);
      if (metric) return { rows, metric };
    }
    throw new Error(`${plan.name} has no metric ${name}`);
  };
  return {
    attached: running.attached.filter(({ state }) => state === 'attached').map(({ bpfProgram }) => bpfProgram),
    ways: new Map(running.hooks.map(({ hook, way }) => [hook, way])),
    async numbers(name) {
      const { rows, metric } = await rowsOf(name);
      return byAttributes(rows, (cells) =>
        scaled(cells[(metric as NumberMetricPlan).cell]!, metric as NumberMetricPlan),
      );
    },
    async histograms(name) {
      const { rows, metric } = await rowsOf(name);
      return byAttributes(rows, (cells) => histogram(cells, metric as HistogramMetricPlan));
    },
    [Symbol.dispose]() {
      names?.[Symbol.dispose]();
      running[Symbol.dispose]();
    },
  };
}

function byAttributes<T>(rows: Rows, value: (cells: Float64Array) => T): Map<string, T> {
  const { width } = rows.plan;
  const values = new Map<string, T>();
  for (let row = 0; row < rows.length; row++) {
    if (!rows.isUsed(row)) continue;
    const key = Object.values(rows.attributes(row)).join(' ');
    values.set(key, value(rows.cells.subarray(row * width, (row + 1) * width)));
  }
  return values;
}

function scaled(raw: number, { scale }: Pick<NumberMetricPlan, 'scale'>): number {
  return (raw * scale.multiplier) / scale.divisor;
}

function histogram(cells: Float64Array, { cell, slots, bounds, sum }: HistogramMetricPlan): HistogramValue {
  const counts = [...cells.subarray(cell, cell + slots)];
  return {
    bounds,
    slots: counts,
    count: counts.reduce((total, slot) => total + slot, 0),
    sum: sum ? scaled(cells[sum.cell]!, sum) : Number.NaN,
  };
}
