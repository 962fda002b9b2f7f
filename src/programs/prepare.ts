import { parseBtf } from '../btf/parse.ts';
import type { ExporterConfig, ViewConfig } from '../config/exporter/configuration.ts';
import type { Instrument } from '../config/instrument-types.ts';
import { scopeName } from '../config/names/scope.ts';
import type { ProgramPlan } from '../config/plan.ts';
import { type ProgramFile, parseProgramFile } from '../config/program/file.ts';
import { checkAlone } from '../config/resolve/check-alone.ts';
import { type Conflict, checkTogether } from '../config/resolve/check-together.ts';
import { type ResolvedProgram, resolveProgram } from '../config/resolve/program.ts';
import { resolveWithViews } from '../config/views.ts';
import { ConfigError, type Diagnostic, Diagnostics, type DiagnosticsOptions } from '../config/yaml/diagnostic.ts';
import { MeterError } from '../errors.ts';
import { possibleCpus } from '../kernel/cpus.ts';
import { pageSize } from '../kernel/page-size.ts';
import { OpenedObject } from '../libbpf/object.ts';
import { readUserFile } from '../user-file.ts';
import { version } from '../version.ts';
import { withoutMetrics } from './absent.ts';
import { type FoundPrograms, findPrograms, type ProgramFiles } from './find.ts';
import { isSelected, unknownPrograms } from './selection.ts';

const scope = { name: scopeName, version };
const elfMagic = '\x7fELF';

/** A program that is ready to be loaded. */
interface PreparedProgram {
  readonly plan: ProgramPlan;
  /** Undefined where it has none: all of its maps are without C. */
  readonly object: OpenedObject | undefined;
}

/** A program that can't run, though its configuration is right. */
export interface FailedProgram {
  readonly name: string;
  readonly error: MeterError;
  /** Those that would have been attached, as far as that is known. */
  readonly bpfPrograms: readonly string[];
}

export interface PreparedPrograms extends Disposable {
  readonly programs: readonly PreparedProgram[];
  readonly failures: readonly FailedProgram[];
  /** Metrics that were left out, since another program's is in the way. */
  readonly conflicts: readonly MeterError[];
  /** One line each, for the log. */
  readonly warnings: readonly string[];
  /** Views that match no metric of these programs; they may match one of the exporter's own. */
  readonly unmatchedViews: readonly ViewConfig[];
}

/**
 * Finds the programs that the configuration wants, opens their objects and checks their files against them. With
 * `compatible_metrics` and without `strict`, what is wrong with one pair costs that pair alone, as where it can't be loaded.
 * `own` are the exporter's own instruments, whose names no metric may have.
 * Throws an AggregateError of everything that is wrong with the configuration, in all files,
 * and MeterError('environment') where nothing can be opened, as without libbpf.
 */
export function preparePrograms(config: ExporterConfig, own: readonly Instrument[]): PreparedPrograms {
  if (config.btfPath !== undefined) checkBtf(config.btfPath);
  const { only, overrides } = config.programs;
  const found = findPrograms(config.programs, [...(only ?? []), ...overrides.keys()]);
  const goesOn = config.compatibleMetrics === true && !config.strict;
  const diagnostics = new Diagnostics();
  const unknown = unknownPrograms(
    [...found.programs.map(({ name }) => name), ...found.broken.keys()],
    config.programs,
    diagnostics,
  );
  const halves = errorsOf(found, config.programs.only, unknown.length === 0 && !diagnostics.hasErrors);
  const failures: FailedProgram[] = goesOn ? brokenPairs(found, halves) : [];
  const failed = new Set(failures.map(({ error }) => error));
  using stack = new DisposableStack();

  const programs: { plan: ResolvedProgram; object: OpenedObject | undefined }[] = [];
  const { views = [] } = config;
  const matched = new Set<ViewConfig>();
  const options = { namespace: config.namespace, cpus: possibleCpus().indexes, pageSize: pageSize() };
  const strategies = config.readers.flatMap((reader) => (reader.kind === 'prometheus' ? [reader.translation] : []));
  const prepare = (pair: ProgramFiles, told: Diagnostics) => {
    const file = parsePair(pair, told);
    if (file === undefined || file.hasOnlyTraces || !isSelected(file, config.programs)) return;
    const object = openPair(pair, config.btfPath, failures);
    if (object === undefined && pair.object !== undefined) return;
    if (object !== undefined) stack.use(object);
    const override = config.programs.overrides.get(pair.name);
    const placeOf = (setting: string) => config.programs.places?.get(`programs.${pair.name}.${setting}`);
    const resolve = (metrics = override?.metrics) =>
      resolveProgram(file, object?.layout(), { ...options, ...override, metrics, placeOf }, told);
    const plan = resolveWithViews(resolve, views, config.namespace, scope, told, (view) => matched.add(view));
    if (plan === undefined) return;
    checkAlone(plan, { strategies, own }, told);
    if (!goesOn || !told.hasErrors) programs.push({ plan, object });
  };
  const warnings: Diagnostic[] = [];
  for (const pair of found.programs) {
    if (config.programs.only?.includes(pair.name) === false) continue;
    const told = goesOn ? new Diagnostics(programDiagnostics(config)) : diagnostics;
    prepare(pair, told);
    if (!goesOn) continue;
    warnings.push(...told.warnings);
    if (told.hasErrors) failures.push({ name: pair.name, error: new ConfigError(told.errors), bpfPrograms: [] });
  }
  const conflicts = checkTogether(
    programs.map(({ plan }) => plan),
    strategies,
  );

  const wrong = halves.filter((error) => !failed.has(error));
  const errors = [...wrong, ...unknown, ...(diagnostics.hasErrors ? [new ConfigError(diagnostics.errors)] : [])];
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} errors in the configuration`);

  const objects = stack.move();
  return {
    programs: withoutConflicts(programs, conflicts),
    conflicts: conflicts.map(({ at, message }) => {
      const place = `${at.file}:${at.line}:${at.column}`;
      return new MeterError('config', `${place}: ${message}; it is left out here`, {
        remedy: 'Rename one of the two, leave one out with `metrics`, or define both equally: then they are one metric',
      });
    }),
    failures,
    warnings: [
      ...found.errors.filter((error) => !halves.includes(error)).map(({ message }) => message),
      ...found.replacing.map(
        ({ name, file }) => `${file}: "${name}" runs in place of the shipped program of this name`,
      ),
      ...[...warnings, ...diagnostics.warnings].map(
        ({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`,
      ),
    ],
    unmatchedViews: views.filter((view) => !matched.has(view)),
    [Symbol.dispose]: () => objects.dispose(),
  };
}

/** Who names the programs doesn't care about the others in the folder, but wants to know why one isn't there. */
function errorsOf({ errors, broken }: FoundPrograms, only: readonly string[] | undefined, areThere: boolean) {
  if (only === undefined) return errors;
  const names = new Map([...broken].map(([name, error]) => [error, name]));
  return errors.filter((error) => {
    const name = names.get(error);
    return name === undefined ? !areThere : only.includes(name);
  });
}

/** Those of which a half is missing, where that is an error. */
function brokenPairs({ broken }: FoundPrograms, errors: readonly MeterError[]): FailedProgram[] {
  return [...broken].flatMap(([name, error]) => (errors.includes(error) ? [{ name, error, bpfPrograms: [] }] : []));
}

/** libbpf would say so of each program, and only when it is loaded. */
function checkBtf(path: string): void {
  try {
    const bytes = readUserFile(path);
    // An ELF file that has them in a section is libbpf's to read.
    if (bytes.toString('latin1', 0, elfMagic.length) !== elfMagic) parseBtf(bytes);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'not readable' : message;
    const remedy = 'Name a file with the types of the running kernel in raw BTF by btf_path or --btf.path';
    throw new MeterError('config', `${path}: ${why}`, { cause, remedy });
  }
}

/** A program of which nothing is left isn't run. */
function withoutConflicts(
  programs: readonly { plan: ResolvedProgram; object: OpenedObject | undefined }[],
  conflicts: readonly Conflict[],
): readonly PreparedProgram[] {
  return programs.flatMap(({ plan, object }) => {
    const names = conflicts.filter(({ program }) => program === plan.name).map(({ metric }) => metric);
    const rest = withoutMetrics(plan, new Set(names));
    return rest.tables.length === 0 && plan.tables.length > 0 ? [] : [{ plan: rest, object }];
  });
}

/** ebpf_exporter takes much that is wrong, so years of its users' files have some of it; `strict` finds it. */
export function programDiagnostics({ compatibleMetrics = false, strict }: ExporterConfig): DiagnosticsOptions {
  return { readsAsExporter: compatibleMetrics && !strict };
}

/** Reads and parses NAME.yaml; undefined where nothing of it can be used, which is reported. */
export function parsePair({ name, file }: ProgramFiles, diagnostics: Diagnostics): ProgramFile | undefined {
  let text: string;
  try {
    text = readUserFile(file).toString('utf8');
  } catch (error) {
    diagnostics.error({ file, line: 1, column: 1, excerpt: '' }, `not readable: ${(error as Error).message}`);
    return undefined;
  }
  const parsed = parseProgramFile(text, file, diagnostics);
  return parsed && { ...parsed, name };
}

function openPair(
  { name, object }: ProgramFiles,
  btf: string | undefined,
  failures: FailedProgram[],
): OpenedObject | undefined {
  if (object === undefined) return undefined;
  try {
    return OpenedObject.open(object, { btf });
  } catch (error) {
    if (!(error instanceof MeterError) || error.code === 'environment') throw error;
    failures.push({ name, error, bpfPrograms: [] });
    return undefined;
  }
}
