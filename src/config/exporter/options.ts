import { type KeptCapabilities, keptCapabilities } from './capabilities.ts';
import type { PrometheusReaderConfig } from './configuration.ts';
import { prometheusWithoutFile } from './defaults.ts';
import { namespaceCause, telemetryPathCause } from './distribution.ts';
import { otlpExporter } from './otlp-option.ts';

/** The command line's options as they were typed; undefined: not given. */
export interface ExporterOptions {
  /** HOST:PORT, PORT or off. */
  readonly prometheus?: string | undefined;
  /** Path of a web configuration for all Prometheus readers. */
  readonly webConfigFile?: string | undefined;
  /** Where the metrics are served: /metrics. */
  readonly telemetryPath?: string | undefined;
  /** URL of an OTLP endpoint. */
  readonly otlp?: string | undefined;
  readonly namespace?: string | undefined;
  /** Folders of programs. */
  readonly programs?: readonly string[] | undefined;
  /** Whether the shipped programs run beside those of `programs`. */
  readonly shipped?: boolean | undefined;
  /** NAME,… */
  readonly only?: string | readonly string[] | undefined;
  readonly strict?: boolean | undefined;
  /** Path of a file with raw BTF. */
  readonly btfPath?: string | undefined;
  /** all, none, needed, or NAME,… */
  readonly keepCapabilities?: string | undefined;
}

export interface CheckedOptions {
  /** 'off': no Prometheus reader; undefined: the configuration's. */
  readonly prometheus: PrometheusReaderConfig | 'off' | undefined;
  readonly webConfigFile: string | undefined;
  readonly telemetryPath: string | undefined;
  readonly otlp: string | undefined;
  readonly namespace: string | undefined;
  readonly directories: readonly string[] | undefined;
  readonly shipped: boolean | undefined;
  readonly only: readonly string[] | undefined;
  readonly strict: boolean | undefined;
  readonly btfPath: string | undefined;
  readonly keepCapabilities: KeptCapabilities | undefined;
}

/** Checks what was typed; never throws. */
export function checkOptions(options: ExporterOptions): { options: CheckedOptions; errors: readonly string[] } {
  const errors: string[] = [];
  const prometheus = options.prometheus === undefined ? undefined : parsePrometheus(options.prometheus.trim(), errors);
  if (options.otlp !== undefined) {
    const otlp = otlpExporter(options.otlp);
    if ('cause' in otlp) errors.push(`--otlp: ${otlp.cause}`);
  }
  const cause = options.namespace === undefined ? undefined : namespaceCause(options.namespace);
  if (cause !== undefined) errors.push(`--namespace: ${cause}`);
  const only = options.only === undefined ? undefined : parseNames([options.only].flat(), errors);
  const directories = options.programs?.length === 0 ? undefined : options.programs;
  if (options.webConfigFile?.trim() === '') errors.push('--web.config.file: the file has no name');
  if (options.btfPath?.trim() === '') errors.push('--btf.path: the file has no name');
  const keepCapabilities =
    options.keepCapabilities === undefined ? undefined : parseCapabilities(options.keepCapabilities, errors);
  const pathCause = options.telemetryPath === undefined ? undefined : telemetryPathCause(options.telemetryPath);
  if (pathCause !== undefined) errors.push(`--web.telemetry-path: ${pathCause}`);
  if (directories?.includes('')) errors.push('--programs: the folder has no name');
  return {
    options: {
      prometheus,
      webConfigFile: options.webConfigFile,
      telemetryPath: options.telemetryPath,
      otlp: options.otlp,
      namespace: options.namespace,
      directories,
      shipped: options.shipped,
      only,
      strict: options.strict,
      btfPath: options.btfPath,
      keepCapabilities,
    },
    errors,
  };
}

function parseCapabilities(text: string, errors: string[]): KeptCapabilities {
  const kept = keptCapabilities(text.split(','));
  if ('cause' in kept) errors.push(`--capabilities.keep: ${kept.cause}`);
  return 'cause' in kept ? 'needed' : kept.kept;
}

function parseNames(texts: readonly string[], errors: string[]): readonly string[] {
  const names = texts.flatMap((text) => text.split(',')).map((name) => name.trim());
  const given = [...new Set(names.filter((name) => name !== ''))];
  if (given.length === 0) errors.push('--only: no program is named; write --only NAME,NAME');
  return given;
}

/** `HOST:PORT`, `[::1]:PORT`, `:PORT` (every address), `PORT` (localhost), `off`. */
function parsePrometheus(text: string, errors: string[]): PrometheusReaderConfig | 'off' {
  if (text === 'off') return 'off';
  const parts = /^(?:(?:\[([\da-fA-F:.%\w]+)\]|([^:[\]\s/]*)):)?(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) {
    const written = JSON.stringify(text);
    errors.push(`--prometheus: ${written} is no address; write HOST:PORT, [IPV6]:PORT, :PORT, PORT or off`);
    return 'off';
  }
  const host = parts[1] ?? parts[2] ?? prometheusWithoutFile.host;
  return { ...prometheusWithoutFile, host, port };
}
