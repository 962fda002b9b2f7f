import type { ExporterConfig } from '../config/exporter/configuration.ts';
import type { ProgramPlan } from '../config/plan.ts';
import { resolveProgram } from '../config/resolve/program.ts';
import { ConfigError, Diagnostics } from '../config/yaml/diagnostic.ts';
import { MeterError } from '../errors.ts';
import { errorText } from '../exporter/error-text.ts';
import { possibleCpus } from '../kernel/cpus.ts';
import { createHooks } from '../kernel/hooks.ts';
import { OpenedObject } from '../libbpf/object.ts';
import { printable } from '../printable.ts';
import { findPrograms, type ProgramFiles } from '../programs/find.ts';
import { parsePair, programDiagnostics } from '../programs/prepare.ts';
import { readEnvironment } from '../programs/reasons.ts';
import { isSelected, unknownPrograms } from '../programs/selection.ts';
import { starterOf } from '../programs/without-c/starters.ts';
import { configure } from './configuration.ts';
import type { Options } from './options.ts';
import { print } from './output.ts';
import { attachLines, type ProgramHooks, programHooks, whetherRuns } from './whether-runs.ts';
import { wrap } from './wrap.ts';

/** Prints every known program without loading any. */
export async function list(options: Options): Promise<number> {
  const { config } = await configure({ ...options, only: undefined });
  const wanted = options.only?.flatMap((names) => names.split(',').map((name) => name.trim()));
  const found = findPrograms(config.programs, wanted ?? config.programs.only);
  using kernel = createHooks();
  const environment = readEnvironment();
  const entries = found.programs
    .filter(({ name }) => wanted?.includes(name) ?? true)
    .map((pair) => entry(pair, config, (hooks) => whetherRuns(hooks, kernel.tell, environment)));
  if (entries.length > 0) print(`${printable(entries.join('\n\n'))}\n`);
  const diagnostics = new Diagnostics();
  const names = [...found.programs.map(({ name }) => name), ...found.broken.keys()];
  const unknown = unknownPrograms(names, { ...config.programs, only: wanted ?? config.programs.only }, diagnostics);
  const misnamed = diagnostics.hasErrors ? [new ConfigError(diagnostics.errors)] : [];
  const errors = [...found.errors, ...unknown, ...misnamed];
  for (const error of errors) console.error(`ebpf-meter: ${printable(errorText(error))}`);
  return errors.length > 0 ? 1 : 0;
}

function entry(pair: ProgramFiles, config: ExporterConfig, runs: (hooks: ProgramHooks) => string): string {
  try {
    const { plan, hooks, expensive } = readPair(pair, config);
    const state = isSelected(plan, config.programs)
      ? 'enabled'
      : plan.expensive
        ? 'expensive, not enabled'
        : 'not enabled';
    return [
      `${plan.name} (${state})`,
      ...(plan.description === '' ? [] : [wrap(plan.description, 2)]),
      ...metricLines(plan, expensive),
      ...attachLines(hooks).map((line) => wrap(line, 2)),
      wrap(runs(hooks), 2),
    ].join('\n');
  } catch (error) {
    if (!(error instanceof MeterError) || error.code === 'environment') throw error;
    return `${pair.name}\n${wrap(errorText(error), 2)}`;
  }
}

interface ReadPair {
  readonly plan: ProgramPlan;
  readonly hooks: ProgramHooks;
  /** Full names of the metrics that are enabled only where they are asked for. */
  readonly expensive: ReadonlySet<string>;
}

/** The program with all its metrics, whichever the configuration enables. */
function readPair(pair: ProgramFiles, config: ExporterConfig): ReadPair {
  const diagnostics = new Diagnostics(programDiagnostics(config));
  const file = parsePair(pair, diagnostics);
  using object = pair.object === undefined ? undefined : OpenedObject.open(pair.object);
  const layout = object?.layout();
  if (file?.hasOnlyTraces) throw new MeterError('config', `${pair.file}: it has only traces, which are not exported`);
  const metrics = file?.metrics.map(({ name }) => name.value);
  const options = { namespace: config.namespace, cpus: possibleCpus().indexes, metrics };
  const plan = file && resolveProgram(file, layout, options, diagnostics);
  if (plan === undefined) throw new ConfigError(diagnostics.errors);
  const sources = plan.sources.map((source) => starterOf(source.counts).describe(source));
  const prefix = config.namespace === '' ? '' : `${config.namespace}.`;
  const dear = file!.metrics.flatMap((metric) => (metric.expensive ? [prefix + metric.name.value] : []));
  return { plan, hooks: programHooks(plan, layout?.programs ?? [], sources), expensive: new Set(dear) };
}

function metricLines({ tables }: ProgramPlan, expensive: ReadonlySet<string>): string[] {
  return tables.flatMap(({ metrics, labels }) =>
    metrics.flatMap(({ name, kind, unit, help }) => {
      const by = labels.length === 0 ? '' : ` by ${labels.map((label) => label.name).join(', ')}`;
      return [
        wrap(`${name}: ${kind}${unit === '' ? '' : ` in ${unit}`}${by}${expensive.has(name) ? ' (expensive)' : ''}`, 2),
        ...(help === '' ? [] : [wrap(help, 6)]),
      ];
    }),
  );
}
