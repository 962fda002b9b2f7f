import type { LogLevel } from '../../log-settings.ts';
import type { Position } from '../yaml/diagnostic.ts';
import type { KeptCapabilities } from './capabilities.ts';

/** The exporter's effective configuration, whatever it came from: a file, the environment, the command line. */
export interface ExporterConfig {
  /** True: nothing is loaded, nothing is exported. */
  readonly disabled: boolean;
  /** Undefined: not said. */
  readonly logLevel: LogLevel | undefined;
  /** Prefix of every program metric's name, `ebpf` unless set; '' for none. Our own metrics are `ebpf_meter.…` always. */
  readonly namespace: string;
  /** Resource attributes from the file or the environment; the defaults (service.name, host.name, …) are added by src/metrics/resource.ts. */
  readonly resourceAttributes: Readonly<Record<string, ResourceValue>>;
  readonly resourceSchemaUrl: string | undefined;
  readonly readers: readonly ReaderConfig[];
  readonly programs: ProgramsConfig;
  /** Whether the kernel measures the programs' run time, which costs 70 % on top of a cheap program. */
  readonly bpfStats: boolean;
  /** Path of a file with raw BTF that CO-RE relocations are made by; absent: the kernel's own. */
  readonly btfPath?: string;
  /** Whether ebpf_exporter's own metrics are there too, under its names in `namespace`; absent: they aren't. */
  readonly compatibleMetrics?: boolean;
  readonly strict: boolean;
  /** Capabilities that the running process keeps, once all is attached; absent: those that it then still needs. */
  readonly keepCapabilities?: KeptCapabilities;
  readonly views?: readonly ViewConfig[];
  readonly detection?: DetectionConfig;
  /** What all Prometheus readers have beside OpenTelemetry's settings; absent: nothing is said. */
  readonly prometheus?: PrometheusSettings;
}

/** Names that are wanted: `*` stands for any characters, `?` for one. */
export interface IncludeExclude {
  /** Absent: all. */
  readonly included?: readonly string[];
  /** Wins over `included`. */
  readonly excluded?: readonly string[];
}

export type DetectorName = 'container' | 'host' | 'os' | 'process' | 'service';

export interface DetectionConfig {
  readonly detectors: readonly DetectorName[];
  /** Which of what they find is wanted. */
  readonly attributes: IncludeExclude;
}

export type InstrumentTypeName =
  | 'counter'
  | 'gauge'
  | 'histogram'
  | 'observable_counter'
  | 'observable_gauge'
  | 'observable_up_down_counter'
  | 'up_down_counter';

/** Series of one metric at most, above 0, by the kind of its instrument. */
export type CardinalityLimits = Readonly<Partial<Record<'default' | InstrumentTypeName, number>>>;

export interface ViewSelector {
  /** With `*` and `?`. */
  readonly instrumentName?: string;
  readonly instrumentType?: InstrumentTypeName;
  readonly unit?: string;
  readonly meterName?: string;
  readonly meterVersion?: string;
  readonly meterSchemaUrl?: string;
}

export type ViewAggregation =
  | { readonly kind: 'default' | 'drop' | 'sum' | 'last_value' }
  | { readonly kind: 'explicit_bucket_histogram'; readonly boundaries: readonly number[]; readonly minMax: boolean }
  | {
      readonly kind: 'base2_exponential_bucket_histogram';
      readonly maxScale: number;
      readonly maxSize: number;
      readonly minMax: boolean;
    };

/** One stream that the metrics make that match its selector. */
export interface ViewConfig {
  readonly selector: ViewSelector;
  readonly name?: string;
  readonly description?: string;
  readonly attributeKeys?: IncludeExclude;
  readonly aggregation?: ViewAggregation;
  readonly cardinalityLimit?: number;
  /** Of its stream, for errors that only the metrics tell. */
  readonly at: Position;
  /** Of its selector. */
  readonly selectorAt: Position;
}

export type ResourceValue = string | number | boolean | readonly string[] | readonly number[] | readonly boolean[];

export interface ProgramsConfig {
  /** Folders of pairs NAME.yaml + NAME.bpf.o beside the shipped ones. */
  readonly directories: readonly string[] | undefined;
  /** False: the shipped programs are left out. */
  readonly shipped?: boolean;
  /** Exactly these, by name; undefined: every one that isn't expensive, changed by `overrides`. */
  readonly only: readonly string[] | undefined;
  readonly overrides: ReadonlyMap<string, ProgramOverride>;
  /**
   * Where a file names what only the programs' own files can confirm: `only.NAME`, `programs.NAME`,
   * `programs.NAME.metrics.METRIC`, `programs.NAME.constants.CONSTANT`, `programs.NAME.ways.HOOK`,
   * `programs.NAME.ways.HOOK.WAY`, `programs.NAME.interfaces`. Absent where no file does.
   */
  readonly places?: ReadonlyMap<string, Position>;
}

export interface ProgramOverride {
  readonly enabled: boolean | undefined;
  /** Names as in the program's file, without the namespace; undefined: all. */
  readonly metrics: readonly string[] | undefined;
  /** Values of the program's .rodata variables. */
  readonly constants: ReadonlyMap<string, number | bigint>;
  /** By hook, the only way in that is to be tried. */
  readonly ways: ReadonlyMap<string, string>;
  /** Names of the network interfaces that its XDP program is attached to; absent: none are named. */
  readonly interfaces?: readonly string[];
}

export type ReaderConfig = PrometheusReaderConfig | PeriodicReaderConfig;

export type TranslationStrategy =
  | 'underscore_escaping_with_suffixes'
  | 'underscore_escaping_without_suffixes'
  | 'no_utf8_escaping_with_suffixes'
  | 'no_translation';

/** What a Prometheus page may be written in. */
export const pageSyntaxes = ['text', 'openmetrics', 'protobuf'] as const;
export type PageSyntax = (typeof pageSyntaxes)[number];

export interface PrometheusSettings {
  /** Path of a file in the format of Prometheus's web configuration: TLS, users, headers. */
  readonly webConfigFile?: string;
  /** 1 to 9, 1 unless set. */
  readonly gzipLevel?: number;
  /** Scrapes that are collected for at once, 40 unless set. */
  readonly maxScrapes?: number;
  /** Whether the paths for probes, too, ask for what the web configuration asks for; they don't unless set. */
  readonly authenticateProbes?: boolean;
  /** Where the metrics are served, `/metrics` unless set. */
  readonly path?: string;
  /** What scrapers may choose from, `text` among them; all unless set. */
  readonly formats?: readonly PageSyntax[];
}

export interface PrometheusReaderConfig extends PrometheusSettings {
  readonly kind: 'prometheus';
  /** '': every address of the machine. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly translation: TranslationStrategy;
  /** otel_scope_name and otel_scope_version on every line. */
  readonly scopeInfo: boolean;
  readonly targetInfo: boolean;
  /** Which of the resource's attributes all series have as labels; absent: none. */
  readonly resourceLabels?: IncludeExclude;
  readonly cardinalityLimits?: CardinalityLimits;
}

export interface PeriodicReaderConfig {
  readonly kind: 'periodic';
  readonly intervalMs: number;
  /** Of an export with all its requests, above 0; it may be longer than the interval, which then waits. */
  readonly timeoutMs: number;
  /** Points that one request may have; undefined: only its size is limited. */
  readonly maxExportBatchSize?: number;
  readonly cardinalityLimits?: CardinalityLimits;
  readonly exporter: OtlpGrpcConfig | OtlpHttpConfig | ConsoleConfig;
}

export type TemporalityPreference = 'cumulative' | 'delta' | 'low_memory';

export type HistogramAggregation = 'explicit_bucket_histogram' | 'base2_exponential_bucket_histogram';

/** What OTLP has over both protocols. */
interface OtlpConfig {
  /** Names in lower case, valid as gRPC metadata. Values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  /** Above 0; the largest timer where the file says 0, which is no limit. */
  readonly timeoutMs: number;
  readonly temporality: TemporalityPreference;
  readonly histogramAggregation: HistogramAggregation;
}

export interface OtlpGrpcConfig extends OtlpConfig {
  readonly kind: 'otlp_grpc';
  /** http://HOST:PORT or https://HOST:PORT; the port is always there, also where it is the scheme's own. */
  readonly endpoint: string;
  readonly tls: TlsFilesConfig & {
    /** True: no TLS, which is where the endpoint has http://. */
    readonly insecure: boolean | undefined;
  };
}

/** OTLP over HTTP with protobuf. */
export interface OtlpHttpConfig extends OtlpConfig {
  readonly kind: 'otlp_http';
  /** The whole URL, path included: http://localhost:4318/v1/metrics. */
  readonly endpoint: string;
  readonly tls: TlsFilesConfig;
}

/** Paths of PEM files. */
export interface TlsFilesConfig {
  readonly caFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly certFile: string | undefined;
}

export interface ConsoleConfig {
  readonly kind: 'console';
  readonly temporality: TemporalityPreference;
}
