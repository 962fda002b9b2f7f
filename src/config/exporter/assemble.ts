import { MeterError } from '../../errors.ts';
import { ConfigError, type Diagnostic } from '../yaml/diagnostic.ts';
import type { ExporterConfig, ReaderConfig } from './configuration.ts';
import { defaultPeriodic } from './defaults.ts';
import { readEnvironment } from './environment.ts';
import { readExporterFile } from './file.ts';
import { reportViolations, schemaViolations } from './gate.ts';
import { type CheckedOptions, checkOptions, type ExporterOptions } from './options.ts';
import { otlpExporter } from './otlp-option.ts';
import type { Environment } from './substitute.ts';

export interface ExporterConfigInput {
  /** --config; unset: OTEL_CONFIG_FILE; neither: the environment's variables. */
  readonly configFile?: string | undefined;
  readonly env: Environment;
  readonly options: ExporterOptions;
  /** Text of a file; a missing or unreadable one is an exception. */
  readonly readFile: (path: string) => string | Promise<string>;
}

export interface ExporterConfigResult {
  readonly config: ExporterConfig;
  /** One line each, for the log. */
  readonly warnings: readonly string[];
}

/**
 * The exporter's effective configuration: the file's or else the environment's, with the command line's options over it.
 * Throws MeterError `usage` for wrong options, `config` for the rest; each has all of its kind,
 * those of a file as ConfigError with positions, else one a line in `detail`.
 */
export async function exporterConfig(input: ExporterConfigInput): Promise<ExporterConfigResult> {
  const { options, errors } = checkOptions(input.options);
  throwAll('usage', errors);
  const file = input.configFile ?? (input.env.OTEL_CONFIG_FILE?.trim() || undefined);
  const made = file === undefined ? fromEnvironment(input.env, options) : await fromFile(file, input, options);
  const config = withOptions(made.config, options);
  if (config.readers.length === 0 && !config.disabled) {
    throw new MeterError(options.prometheus === 'off' ? 'usage' : 'config', `${made.origin}: no reader is left`, {
      remedy: 'Ask for one with --prometheus HOST:PORT or --otlp URL.',
    });
  }
  return { config, warnings: made.warnings };
}

interface Made extends ExporterConfigResult {
  /** What to blame when no reader is left. */
  readonly origin: string;
}

function fromEnvironment(env: Environment, options: CheckedOptions): Made {
  const replaced = { prometheus: options.prometheus !== undefined, otlp: options.otlp };
  const { config, errors, warnings } = readEnvironment(env, replaced);
  throwAll('config', errors);
  const origin = env.OTEL_METRICS_EXPORTER?.trim()
    ? `OTEL_METRICS_EXPORTER=${env.OTEL_METRICS_EXPORTER}`
    : '--prometheus off';
  return { config, warnings, origin };
}

async function fromFile(path: string, { env, readFile }: ExporterConfigInput, options: CheckedOptions): Promise<Made> {
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
  const added = options.otlp !== undefined || options.prometheus !== undefined;
  if (config !== undefined && config.readers.length === 0 && !config.disabled && !added && file.errors().length === 0) {
    readers?.error(
      'no reader: under meter_provider.readers add {pull: {exporter: {prometheus/development: }}} or {periodic: {exporter: {otlp_grpc: }}}',
    );
  }
  throwDiagnostics(file.errors());
  reportViolations(root!, await schemaViolations(path, env));
  throwDiagnostics(file.errors());
  const warnings = file.warnings().map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`);
  const changed = withOtlp(config!, options.otlp);
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

function withOptions(config: ExporterConfig, options: CheckedOptions): ExporterConfig {
  const { prometheus, webConfigFile, telemetryPath, namespace, directories, shipped, only, strict } = options;
  const { btfPath, keepCapabilities } = options;
  const settings = {
    ...config.prometheus,
    ...(webConfigFile !== undefined && { webConfigFile }),
    ...(telemetryPath !== undefined && { path: telemetryPath }),
  };
  // What the file says beside the address, such as how names are translated, is no matter of where it is served.
  const first = config.readers.find((reader) => reader.kind === 'prometheus');
  const chosen =
    prometheus === undefined
      ? config.readers
      : [
          ...(prometheus === 'off' ? [] : [{ ...(first ?? prometheus), host: prometheus.host, port: prometheus.port }]),
          ...config.readers.filter(({ kind }) => kind !== 'prometheus'),
        ];
  const readers = chosen.map((reader) => (reader.kind === 'prometheus' ? { ...reader, ...settings } : reader));
  const { places, ...programs } = config.programs;
  const valid = [...(places ?? [])].filter(([name]) => only === undefined || !name.startsWith('only.'));
  return {
    ...config,
    readers,
    namespace: namespace ?? config.namespace,
    strict: strict ?? config.strict,
    ...(btfPath !== undefined && { btfPath }),
    ...(keepCapabilities !== undefined && { keepCapabilities }),
    programs: {
      ...programs,
      directories: directories ?? programs.directories,
      ...(shipped !== undefined && { shipped }),
      only: only ?? programs.only,
      ...(valid.length > 0 && { places: new Map(valid) }),
    },
  };
}

function throwDiagnostics(errors: readonly Diagnostic[]): void {
  if (errors.length > 0) throw new ConfigError(errors);
}

function throwAll(code: 'usage' | 'config', errors: readonly string[]): void {
  const [first] = errors;
  if (first === undefined) return;
  const message = errors.length === 1 ? first : `${errors.length} errors, the first: ${first}`;
  throw new MeterError(code, message, { detail: errors.join('\n') });
}
