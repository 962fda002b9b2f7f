import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { prometheusLabelName, prometheusMetricName } from '../../src/config/names/prometheus.ts';
import type { ProgramPlan } from '../../src/config/plan.ts';
import { type ProgramFile, parseProgramFile } from '../../src/config/program/file.ts';
import { resolveProgram } from '../../src/config/resolve/program.ts';
import { Diagnostics } from '../../src/config/yaml/diagnostic.ts';
import { possibleCpus } from '../../src/kernel/cpus.ts';
import { OpenedObject } from '../../src/libbpf/object.ts';
import { throwErrors } from '../helpers/throw-errors.ts';

export const root = join(import.meta.dirname, '../..');

export interface ShippedMetric {
  /** Without the namespace. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly unit: string;
  readonly attributes: readonly string[];
  readonly expensive: boolean;
  /** On a Prometheus page; of a histogram without `_bucket`, `_sum` and `_count`. */
  readonly pageName: string;
}

export interface ShippedProgram {
  readonly name: string;
  readonly expensive: boolean;
  /** Variables of .rodata that an operator may set; not those that metrics and ways set, nor what the exporter knows. */
  readonly constants: readonly string[];
  /** In the order of the file's kinds and maps. */
  readonly metrics: readonly ShippedMetric[];
}

/** Every program of config/programs with all of its metrics, by name; the objects are those of build/programs. */
export function shippedPrograms(): ShippedProgram[] {
  return globSync('config/programs/*.yaml', { cwd: root })
    .map((path) => basename(path, '.yaml'))
    .sort()
    .map(shippedProgram);
}

interface OpenedProgram {
  readonly file: ProgramFile;
  readonly plan: ProgramPlan;
  /** Undefined where it is without C. */
  readonly opened: OpenedObject | undefined;
}

/** A program with these metrics, or all of them; its names have no namespace. The object is the caller's to dispose. */
export function openShipped(
  name: string,
  { metrics, interfaces }: { metrics?: readonly string[]; interfaces?: readonly string[] | undefined } = {},
): OpenedProgram {
  const path = join(root, 'config/programs', `${name}.yaml`);
  const diagnostics = new Diagnostics();
  const file = parseProgramFile(readFileSync(path, 'utf8'), path, diagnostics);
  throwErrors(diagnostics);
  const source = join(root, 'programs', `${name}.bpf.c`);
  const opened = existsSync(source) ? OpenedObject.open(join(root, 'build/programs', `${name}.bpf.o`)) : undefined;
  const options = {
    namespace: '',
    cpus: possibleCpus().indexes,
    metrics: metrics ?? file!.metrics.map((metric) => metric.name.value),
    interfaces,
  };
  const plan = resolveProgram(file!, opened?.layout(), options, diagnostics);
  throwErrors(diagnostics);
  return { file: file!, plan: plan!, opened };
}

function shippedProgram(name: string): ShippedProgram {
  const { file, plan, opened } = openShipped(name);
  using _opened = opened;
  const dear = new Set(file.metrics.flatMap((metric) => (metric.expensive ? [metric.name.value] : [])));
  return {
    name,
    expensive: plan.expensive,
    constants: (opened?.layout().variables ?? [])
      .filter(({ section }) => section === '.rodata')
      .map((variable) => variable.name)
      .filter((variable) => /^(only|ephemeral|slow)_/.test(variable)),
    metrics: plan.tables.flatMap(({ labels, metrics }) =>
      metrics.map(
        (metric): ShippedMetric => ({
          name: metric.name,
          kind: metric.kind,
          unit: metric.unit,
          attributes: labels.map((label) => label.name),
          expensive: dear.has(metric.name),
          pageName: pageName(metric),
        }),
      ),
    ),
  };
}

function pageName({ name, unit, kind }: Pick<ShippedMetric, 'name' | 'unit' | 'kind'>): string {
  return prometheusMetricName(`ebpf.${name}`, unit, kind, 'underscore_escaping_with_suffixes');
}

/** By the names of their lines on a Prometheus page, the labels that those have. */
export function labelsOfLines(metrics: readonly ShippedMetric[]): Map<string, readonly string[]> {
  return new Map(metrics.flatMap(linesOf));
}

function linesOf({ kind, pageName, attributes }: ShippedMetric): [string, readonly string[]][] {
  const labels = attributes.map(prometheusLabelName);
  if (kind !== 'histogram') return [[pageName, labels]];
  return [
    [`${pageName}_bucket`, [...labels, 'le']],
    [`${pageName}_sum`, labels],
    [`${pageName}_count`, labels],
  ];
}
