import { type KeptCapabilities, keptCapabilities } from '../config/exporter/capabilities.ts';
import type { ExporterConfig } from '../config/exporter/configuration.ts';
import { namespaceCause, telemetryPathCause } from '../config/exporter/distribution.ts';
import { otlpExporter } from '../config/exporter/otlp-option.ts';
import { parsePrometheus, withPrometheus } from '../config/exporter/prometheus-option.ts';
import { logFormats, logLevels } from '../log-settings.ts';
import { type AnyOptionRow, type Checked, type OptionRow, one, option, says, unless, wordOf } from './option-row.ts';

/**
 * Every option that is no command, by what it is called here. A new one is a row, and one in the table of docs/configuration.md:
 * args.ts, help.ts, overlay.ts and the names that ebpf_exporter's users type follow from it.
 */
const optionRows = {
  config: option({
    name: 'config',
    group: 'programs',
    value: 'FILE',
    help: 'OpenTelemetry configuration file; unset: the file in OTEL_CONFIG_FILE,\nelse the OTEL_* environment variables',
    read: one,
  }),
  programs: option({
    name: 'programs',
    group: 'programs',
    value: 'DIR',
    repeated: true,
    help: 'folder of pairs NAME.yaml + NAME.bpf.o, beside the shipped programs;\nmay be repeated',
    exporter: { name: 'config.dir', shipped: false },
    read: (given) => given ?? [],
    check: (folders): Checked<readonly string[] | undefined> => {
      if (folders.includes('')) return { cause: 'the folder has no name' };
      return { value: folders.length === 0 ? undefined : folders };
    },
    place: (config, directories) => ({ ...config, programs: { ...config.programs, directories } }),
  }),
  shipped: option({
    name: 'no-shipped',
    group: 'programs',
    help: 'without the shipped programs',
    read: says(false),
    place: (config, shipped) => ({ ...config, programs: { ...config.programs, shipped } }),
  }),
  only: option({
    name: 'only',
    group: 'programs',
    value: 'NAME,…',
    repeated: true,
    help: 'just these programs; unset: those that the configuration enables, by\ndefault all but the expensive ones',
    exporter: { name: 'config.names', shipped: true },
    read: (given) => given,
    check: names,
    place: withOnly,
  }),
  strict: option({
    name: 'strict',
    group: 'running',
    help: "stop when a program can't be loaded or attached, instead of going on\nwithout it",
    exporter: { name: 'config.strict' },
    read: says(true),
    place: (config, strict) => ({ ...config, strict }),
  }),
  print: option({
    name: 'print',
    group: 'printing',
    help: 'only print the effective configuration, as a file without its secrets',
    read: (given) => given !== undefined,
  }),
  btfPath: option({
    name: 'btf.path',
    group: 'running',
    value: 'FILE',
    help: 'types of the running kernel, in raw BTF, where it has none of itself',
    read: one,
    check: unless(fileCause),
    place: (config, btfPath) => ({ ...config, btfPath }),
  }),
  keepCapabilities: option({
    name: 'capabilities.keep',
    group: 'running',
    value: 'LIST',
    help: 'capabilities that are kept once all is attached: all, none, needed\n(unless set), or names with commas',
    read: one,
    check: capabilities,
    place: (config, keepCapabilities) => ({ ...config, keepCapabilities }),
  }),
  prometheus: option({
    name: 'prometheus',
    group: 'running',
    value: 'HOST:PORT',
    help: 'where to serve /metrics; unset: localhost:9435. "off": nowhere',
    exporter: { name: 'web.listen-address' },
    read: one,
    check: parsePrometheus,
    place: withPrometheus,
  }),
  telemetryPath: option({
    name: 'web.telemetry-path',
    group: 'running',
    value: 'PATH',
    help: 'another path than /metrics',
    read: one,
    check: unless(telemetryPathCause),
    place: (config, path) => ({ ...config, prometheus: { ...config.prometheus, path } }),
  }),
  webConfigFile: option({
    name: 'web.config.file',
    group: 'running',
    value: 'FILE',
    help: "TLS and users of that page, in Prometheus's format",
    read: one,
    check: unless(fileCause),
    place: (config, webConfigFile) => ({ ...config, prometheus: { ...config.prometheus, webConfigFile } }),
  }),
  otlp: option({
    name: 'otlp',
    group: 'running',
    value: 'URL',
    help: 'push to this OTLP endpoint, such as http://localhost:4317 (gRPC)\nor http://localhost:4318 (HTTP)',
    read: one,
    // Its place is another beside a file than beside the environment's variables: config/exporter/assemble.ts.
    check: unless((url) => {
      const made = otlpExporter(url);
      return 'cause' in made ? made.cause : undefined;
    }),
  }),
  namespace: option({
    name: 'namespace',
    group: 'programs',
    value: 'NAME',
    help: "what metrics' names begin with; unset: ebpf",
    read: one,
    check: unless(namespaceCause),
    place: (config, namespace) => ({ ...config, namespace }),
  }),
  logLevel: option({
    name: 'log-level',
    group: 'log',
    value: 'LEVEL',
    words: logLevels,
    help: 'error, warn, info or debug; unset: info',
    exporter: { name: 'debug', value: 'debug' },
    read: (given) => wordOf(logLevels, given),
    place: (config, logLevel) => ({ ...config, logLevel }),
  }),
  logFormat: option({
    name: 'log-format',
    group: 'log',
    value: 'FORMAT',
    words: logFormats,
    help: 'text or json; unset: text',
    read: (given) => wordOf(logFormats, given) ?? 'text',
  }),
  logTimes: option({
    name: 'log.no-timestamps',
    group: 'log',
    help: 'leave the time out of lines of text',
    read: (given) => given === undefined,
  }),
};

type Rows = typeof optionRows;
type OptionKey = keyof Rows;

/** The options as they were typed, by key; what they may say is checked with the configuration. */
export type Options = { readonly [Key in OptionKey]: ReturnType<Rows[Key]['read']> } & {
  /** Whether programs are named by ebpf_exporter's options, whose users expect its names of metrics. */
  readonly isExporterStyle: boolean;
};

type ValueOf<Row> = Row extends OptionRow<infer _, infer Value> ? Value : never;

/** The options' values, by key; undefined: not given, or wrong. */
export type CheckedOptions = { readonly [Key in OptionKey]?: ValueOf<Rows[Key]> | undefined };

/** The rows in their order, for those who go through all. */
export const allOptions: readonly (readonly [key: OptionKey, row: AnyOptionRow])[] = Object.entries(
  optionRows satisfies Readonly<Record<string, AnyOptionRow>>,
) as [OptionKey, AnyOptionRow][];

function fileCause(path: string): string | undefined {
  return path.trim() === '' ? 'the file has no name' : undefined;
}

function capabilities(text: string): Checked<KeptCapabilities> {
  const kept = keptCapabilities(text.split(','));
  return 'cause' in kept ? kept : { value: kept.kept };
}

function names(texts: readonly string[]): Checked<readonly string[]> {
  const typed = texts.flatMap((text) => text.split(',')).map((name) => name.trim());
  const given = [...new Set(typed.filter((name) => name !== ''))];
  return given.length === 0 ? { cause: 'no program is named; write --only NAME,NAME' } : { value: given };
}

/** The file's own choice goes with its places, which errors would point at. */
function withOnly(config: ExporterConfig, only: readonly string[]): ExporterConfig {
  const { places = new Map(), ...programs } = config.programs;
  const valid = [...places].filter(([name]) => !name.startsWith('only.'));
  return { ...config, programs: { ...programs, only, ...(valid.length > 0 && { places: new Map(valid) }) } };
}
