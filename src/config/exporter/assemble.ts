// What the operator says: OpenTelemetry's file and variables, the web configuration, and what the options lay over
// them. May be imported within config for types by `names`, `instrument-types.ts`, `resolve` and `views.ts`.

import { MeterError } from '../../errors.ts';
import { ConfigError, type Diagnostic } from '../yaml/diagnostic.ts';
import type { ExporterConfig, ReaderConfig } from './configuration.ts';
import { defaultPeriodic } from './defaults.ts';
import { type Replacements, readEnvironment } from './environment.ts';
import { readExporterFile } from './file.ts';
import { reportViolations, schemaViolations } from './gate.ts';
import { otlpExporter } from './otlp-option.ts';
import type { Environment } from './substitute.ts';

/** What wins over the file and the environment: the command line's options. */
export interface Overlay extends Replacements {
  /** The configuration with it; it knows nothing of the OTLP readers, which `otlp` replaces. */
  readonly over: (config: ExporterConfig) => ExporterConfig;
}

const nothing: Overlay = { prometheus: false, otlp: undefined, over: (config) => config };

interface ExporterConfigInput {
  /** --config; unset: OTEL_CONFIG_FILE; neither: the environment's variables. */
  readonly configFile?: string | undefined;
  readonly env: Environment;
  /** Absent: nothing wins. */
  readonly overlay?: Overlay;
  /** Text of a file; a missing or unreadable one is an exception. */
  readonly readFile: (path: string) => string | Promise<string>;
}

interface ExporterConfigResult {
  readonly config: ExporterConfig;
  /** One line each, for the log. */
  readonly warnings: readonly string[];
}

/**
 * The exporter's effective configuration: the file's or else the environment's, with the command line's options over it.
 * Throws MeterError `config` with all that is wrong, that of a file as ConfigError with positions, else one a line in
 * `detail`; `usage` where the options leave no reader.
 */
export async function exporterConfig(input: ExporterConfigInput): Promise<ExporterConfigResult> {
  const { overlay = nothing } = input;
  const file = input.configFile ?? (input.env.OTEL_CONFIG_FILE?.trim() || undefined);
  const made = file === undefined ? fromEnvironment(input.env, overlay) : await fromFile(file, input, overlay);
  const config = withSettings(overlay.over(made.config));
  if (config.readers.length === 0 && !config.disabled) {
    throw new MeterError(overlay.prometheus ? 'usage' : 'config', `${made.origin}: no reader is left`, {
      remedy: 'Ask for one with --prometheus HOST:PORT or --otlp URL.',
    });
  }
  return { config, warnings: made.warnings };
}

interface Made extends ExporterConfigResult {
  /** What to blame when no reader is left. */
  readonly origin: string;
}

function fromEnvironment(env: Environment, replaced: Replacements): Made {
  const { config, errors, warnings } = readEnvironment(env, replaced);
  throwAll('config', errors);
  const origin = env.OTEL_METRICS_EXPORTER?.trim()
    ? `OTEL_METRICS_EXPORTER=${env.OTEL_METRICS_EXPORTER}`
    : '--prometheus off';
  return { config, warnings, origin };
}

async function fromFile(path: string, { env, readFile }: ExporterConfigInput, replaced: Replacements): Promise<Made> {
  let text: string;
  try {
    text = await readFile(path);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw new MeterError('config', `${path}: ${code === 'ENOENT' ? 'no such file' : message}`, {
      cause: error,
      remedy: 'Give the path of an OpenTelemetry configuration file with --config or OTEL_CONFIG_FILE.',
    });
  }
  const file = readExporterFile(text, path, env);
  const { config, root, readers } = file;
  const added = replaced.otlp !== undefined || replaced.prometheus;
  if (config !== undefined && config.readers.length === 0 && !config.disabled && !added && file.errors().length === 0) {
    readers?.error(
      'no reader: under meter_provider.readers add {pull: {exporter: {prometheus/development: }}} or {periodic: {exporter: {otlp_grpc: }}}',
    );
  }
  throwDiagnostics(file.errors());
  reportViolations(root!, await schemaViolations(path, env));
  throwDiagnostics(file.errors());
  const warnings = file.warnings().map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`);
  const changed = withOtlp(config!, replaced.otlp);
  return { ...changed, warnings: [...warnings, ...changed.warnings], origin: path };
}

/** With a file, --otlp takes the place of its OTLP readers. */
function withOtlp(config: ExporterConfig, url: string | undefined): ExporterConfigResult {
  const made = url === undefined ? undefined : otlpExporter(url);
  if (made === undefined || 'cause' in made) return { config, warnings: [] };
  const reader: ReaderConfig = { ...defaultPeriodic, exporter: made.exporter };
  const others = config.readers.filter((one) => one.kind !== 'periodic' || one.exporter.kind === 'console');
  return {
    config: { ...config, readers: [...others, reader] },
    warnings: made.warnings.map((warning) => `--otlp: ${warning}`),
  };
}

/** What is said of all Prometheus readers holds for each. */
function withSettings(config: ExporterConfig): ExporterConfig {
  const readers = config.readers.map((reader) =>
    reader.kind === 'prometheus' ? { ...reader, ...config.prometheus } : reader,
  );
  return { ...config, readers };
}

function throwDiagnostics(errors: readonly Diagnostic[]): void {
  if (errors.length > 0) throw new ConfigError(errors);
}

/** One MeterError for all of these, where there are any; the rest stand in its `detail`. */
export function throwAll(code: 'usage' | 'config', errors: readonly string[]): void {
  const [first] = errors;
  if (first === undefined) return;
  const message = errors.length === 1 ? first : `${errors.length} errors, the first: ${first}`;
  throw new MeterError(code, message, { detail: errors.join('\n') });
}
