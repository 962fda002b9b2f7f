import type { LogLevel } from '../../log-settings.ts';
import { longestMs } from '../../timer.ts';
import { attributeWarning } from '../names/reserved.ts';
import { suggest } from '../yaml/nearest.ts';
import type {
  DetectionConfig,
  DetectorName,
  ExporterConfig,
  HistogramAggregation,
  OtlpGrpcConfig,
  OtlpHttpConfig,
  PeriodicReaderConfig,
  PrometheusReaderConfig,
  ReaderConfig,
  ResourceValue,
  TemporalityPreference,
  TlsFilesConfig,
} from './configuration.ts';
import {
  defaultIntervalMs,
  defaultNamespace,
  defaultOtlp,
  defaultTimeoutMs,
  effectiveTimeout,
  prometheusWithoutFile,
} from './defaults.ts';
import { headerCause, parseEndpoint } from './grpc.ts';
import { appendMetricsPath, defaultHttpEndpoint, looksLikeHttp, parseHttpEndpoint, withMetricsPath } from './http.ts';
import { parseKeyValues } from './key-values.ts';
import type { Environment } from './substitute.ts';

/** What the environment says, and what is wrong with it: errors end the start, warnings don't. */
interface FromEnvironment {
  readonly config: ExporterConfig;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** What of the environment's readers the command line replaces; their variables are read for the rest. */
export interface Replacements {
  /** --prometheus: HOST:PORT or off. */
  readonly prometheus: boolean;
  /** --otlp: this endpoint instead of the variables'. */
  readonly otlp: string | undefined;
}

const exporters = ['otlp', 'prometheus', 'console', 'none'] as const;

/** Exporters of the specification that aren't here, each with what to do instead. */
const missingExporters: Readonly<Record<string, string>> = {
  'otlp/stdout': 'use console, which prints OTLP/JSON too',
  logging: 'use console',
};

/** Variables that would change metrics if they acted, each with what to do instead. */
const unsupported: Readonly<Record<string, string>> = {
  OTEL_ENTITIES: "isn't supported by this version and does nothing; use OTEL_RESOURCE_ATTRIBUTES",
  OTEL_EXPERIMENTAL_CONFIG_FILE: 'does nothing; the file is named by OTEL_CONFIG_FILE or --config',
};

const temporalities = new Map<string, TemporalityPreference>([
  ['cumulative', 'cumulative'],
  ['delta', 'delta'],
  ['lowmemory', 'low_memory'],
]);

const aggregations = new Map<string, HistogramAggregation>([
  ['explicit_bucket_histogram', 'explicit_bucket_histogram'],
  ['base2_exponential_bucket_histogram', 'base2_exponential_bucket_histogram'],
]);

const exemplarFilters = new Map(['always_on', 'always_off', 'trace_based'].map((name) => [name, name] as const));

/** As OpenTelemetry for JavaScript calls them; those of the environment and of the instance's id always run. */
const detectors = new Map<string, readonly DetectorName[]>([
  ['all', ['host', 'os', 'process', 'container']],
  ['none', []],
  ['env', []],
  ['serviceinstance', []],
  ['host', ['host']],
  ['os', ['os']],
  ['process', ['process']],
  ['container', ['container']],
]);

const logLevels = new Map<string, LogLevel>([
  ['none', 'error'],
  ['error', 'error'],
  ['warn', 'warn'],
  ['info', 'info'],
  ['debug', 'debug'],
  ['verbose', 'debug'],
  ['all', 'debug'],
]);

/**
 * The configuration without a file, from OpenTelemetry's variables; never throws. Empty values count as unset, numbers
 * and words that aren't understood are warnings and leave the default.
 * What would silently send the data elsewhere, or nowhere, is an error: exporters, protocols, endpoints, headers.
 * Source: the OpenTelemetry specification, configuration/sdk-environment-variables.md and protocol/exporter.md;
 * the defaults differ where docs/configuration.md says so.
 */
export function readEnvironment(env: Environment, replaced: Replacements): FromEnvironment {
  const variables = new Variables(env);
  const disabled = variables.boolean('OTEL_SDK_DISABLED') ?? false;
  const logLevel = variables.word('OTEL_LOG_LEVEL', logLevels, 'info');
  const resourceAttributes = readResourceAttributes(variables);
  const readers = readReaders(variables, replaced);
  const detection = readDetectors(variables);
  const exemplars = 'OTEL_METRICS_EXEMPLAR_FILTER';
  if (variables.word(exemplars, exemplarFilters, 'trace_based') === 'always_on') {
    variables.warnings.push(`${exemplars}: metrics from BPF maps have no exemplars`);
  }
  for (const [name, instead] of Object.entries(unsupported)) {
    if (variables.get(name) !== undefined) variables.warnings.push(`${name} ${instead}`);
  }
  return {
    config: {
      disabled,
      logLevel,
      namespace: defaultNamespace,
      resourceAttributes,
      resourceSchemaUrl: undefined,
      readers,
      ...(detection && { detection }),
      programs: { directories: undefined, only: undefined, overrides: new Map() },
      bpfStats: false,
      strict: false,
    },
    errors: variables.errors,
    warnings: variables.warnings,
  };
}

class Variables {
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  get(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  /** Of OTEL_EXPORTER_OTLP_METRICS_X and OTEL_EXPORTER_OTLP_X the first that is set. */
  otlp(suffix: string): { name: string; value: string } | undefined {
    for (const name of [`OTEL_EXPORTER_OTLP_METRICS_${suffix}`, `OTEL_EXPORTER_OTLP_${suffix}`]) {
      const value = this.get(name);
      if (value !== undefined) return { name, value };
    }
    return undefined;
  }

  integer(name: string, min: number, max: number, fallback: number): number {
    const value = this.get(name);
    if (value === undefined) return fallback;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    this.warnings.push(`${name}: ${JSON.stringify(value)} is no integer from ${min} to ${max}, ${fallback} is used`);
    return fallback;
  }

  boolean(name: string): boolean | undefined {
    const value = this.get(name)?.toLowerCase();
    if (value === undefined) return undefined;
    if (value !== 'true' && value !== 'false') {
      this.warnings.push(`${name}: ${JSON.stringify(value)} is neither true nor false, false is used`);
    }
    return value === 'true';
  }

  word<Value>(name: string, known: ReadonlyMap<string, Value>, fallback: string): Value | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const found = known.get(value.toLowerCase());
    if (found === undefined) {
      const near = suggest(value, known.keys());
      this.warnings.push(`${name}: unknown value ${JSON.stringify(value)}, ${fallback} is used${near}`);
    }
    return found;
  }
}

function readResourceAttributes(variables: Variables): Readonly<Record<string, ResourceValue>> {
  const { values, cause } = parseKeyValues(variables.get('OTEL_RESOURCE_ATTRIBUTES') ?? '');
  if (cause !== undefined) {
    // resource/sdk.md: in case of any error the entire value should be discarded.
    variables.warnings.push(`OTEL_RESOURCE_ATTRIBUTES: ${cause}; all of it is ignored`);
  }
  for (const attribute of Object.keys(values)) {
    const warning = attributeWarning(attribute);
    if (warning !== undefined) variables.warnings.push(`OTEL_RESOURCE_ATTRIBUTES: ${warning}`);
  }
  const name = variables.get('OTEL_SERVICE_NAME');
  return name === undefined ? values : { ...values, 'service.name': name };
}

function readDetectors(variables: Variables): DetectionConfig | undefined {
  const name = 'OTEL_NODE_RESOURCE_DETECTORS';
  const words = (variables.get(name) ?? '').split(',').map((word) => word.trim());
  const chosen = new Set<DetectorName>();
  for (const word of words) {
    const known = detectors.get(word.toLowerCase());
    if (known === undefined && word !== '') {
      variables.warnings.push(`${name}: unknown detector ${JSON.stringify(word)}${suggest(word, detectors.keys())}`);
    }
    for (const detector of known ?? []) chosen.add(detector);
  }
  return chosen.size === 0 ? undefined : { detectors: [...chosen], attributes: {} };
}

function readReaders(variables: Variables, replaced: Replacements): readonly ReaderConfig[] {
  const kinds = new Set(chosenExporters(variables));
  if (replaced.otlp !== undefined) kinds.add('otlp');
  if (replaced.prometheus) kinds.delete('prometheus');
  return [...kinds].flatMap((kind): readonly ReaderConfig[] => {
    switch (kind) {
      case 'prometheus':
        return [readPrometheus(variables)];
      case 'otlp':
        return [readPeriodic(variables, readOtlp(variables, replaced.otlp))];
      case 'console':
        return [readPeriodic(variables, { kind: 'console', temporality: readTemporality(variables) })];
      default:
        return [];
    }
  });
}

function chosenExporters(variables: Variables): readonly (typeof exporters)[number][] {
  const name = 'OTEL_METRICS_EXPORTER';
  const text = variables.get(name);
  if (text === undefined) {
    const otlp = variables.otlp('ENDPOINT') !== undefined;
    const asked = variables.get('OTEL_EXPORTER_PROMETHEUS_HOST') ?? variables.get('OTEL_EXPORTER_PROMETHEUS_PORT');
    return [...(otlp ? ['otlp' as const] : []), ...(asked !== undefined || !otlp ? ['prometheus' as const] : [])];
  }
  return text.split(',').flatMap((part) => {
    const word = part.trim();
    const known = exporters.find((exporter) => exporter === word.toLowerCase());
    const instead = Object.hasOwn(missingExporters, word) ? missingExporters[word] : undefined;
    if (instead !== undefined) {
      variables.errors.push(`${name}: ${JSON.stringify(word)} isn't supported by this version; ${instead}`);
    } else if (known === undefined && word !== '') {
      variables.errors.push(`${name}: unknown exporter ${JSON.stringify(word)}${suggest(word, exporters)}`);
    }
    return known === undefined ? [] : [known];
  });
}

function readPrometheus(variables: Variables): PrometheusReaderConfig {
  const { host, port } = prometheusWithoutFile;
  return {
    ...prometheusWithoutFile,
    host: variables.get('OTEL_EXPORTER_PROMETHEUS_HOST') ?? host,
    port: variables.integer('OTEL_EXPORTER_PROMETHEUS_PORT', 0, 65_535, port),
  };
}

function readPeriodic(variables: Variables, exporter: PeriodicReaderConfig['exporter']): PeriodicReaderConfig {
  const intervalMs = variables.integer('OTEL_METRIC_EXPORT_INTERVAL', 1, longestMs, defaultIntervalMs);
  const timeoutMs = variables.integer('OTEL_METRIC_EXPORT_TIMEOUT', 0, longestMs, defaultTimeoutMs);
  return { kind: 'periodic', intervalMs, timeoutMs: effectiveTimeout(timeoutMs), exporter };
}

function readOtlp(variables: Variables, url: string | undefined): OtlpGrpcConfig | OtlpHttpConfig {
  return isHttp(variables, url) ? readOtlpHttp(variables, url) : readOtlpGrpc(variables, url);
}

/**
 * The protocol: what is said, else the specification's http/protobuf, but where the port is gRPC's own. --otlp alone is
 * gRPC, but where the URL has HTTP's port or a path.
 */
function isHttp(variables: Variables, url: string | undefined): boolean {
  const protocol = variables.otlp('PROTOCOL');
  const word = protocol?.value.toLowerCase();
  if (word === 'http/protobuf') return true;
  if (protocol !== undefined) {
    if (word !== 'grpc') {
      const value = JSON.stringify(protocol.value);
      variables.errors.push(`${protocol.name}: ${value} isn't supported by this version; use grpc or http/protobuf`);
    }
    return false;
  }
  if (url !== undefined) return looksLikeHttp(url);
  const endpoint = variables.otlp('ENDPOINT')?.value;
  return endpoint === undefined || (/^https?:/i.test(endpoint) && !/:4317\/?$/.test(endpoint));
}

/** The base of all signals' URLs gets the path of metrics; the metrics' own endpoint, or --otlp's, is used as it is. */
function httpEndpoint(variables: Variables, url: string | undefined): { name: string; value: string } | undefined {
  if (url !== undefined) return { name: '--otlp', value: withMetricsPath(url) };
  const given = variables.otlp('ENDPOINT');
  if (given === undefined || given.name === 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT') return given;
  return { ...given, value: appendMetricsPath(given.value) };
}

function readOtlpHttp(variables: Variables, url: string | undefined): OtlpHttpConfig {
  const { errors, warnings } = variables;
  const given = httpEndpoint(variables, url);
  const endpoint = parseHttpEndpoint(given?.value ?? defaultHttpEndpoint);
  if ('cause' in endpoint) errors.push(`${given?.name}: ${endpoint.cause}`);
  else warnings.push(...endpoint.warnings.map((warning) => `${given?.name}: ${warning}`));
  return {
    kind: 'otlp_http',
    endpoint: 'cause' in endpoint ? defaultHttpEndpoint : endpoint.url,
    tls: readTls(variables),
    ...readBoth(variables),
  };
}

function readOtlpGrpc(variables: Variables, url: string | undefined): OtlpGrpcConfig {
  const { errors, warnings } = variables;
  const insecureName = variables.otlp('INSECURE')?.name;
  const insecure = insecureName === undefined ? undefined : variables.boolean(insecureName);
  const given = url === undefined ? variables.otlp('ENDPOINT') : { name: '--otlp', value: url };
  const endpoint = parseEndpoint(given?.value ?? defaultOtlp.endpoint, insecure);
  if ('cause' in endpoint) errors.push(`${given?.name}: ${endpoint.cause}`);
  else warnings.push(...endpoint.warnings.map((warning) => `${given?.name}: ${warning}`));

  return {
    kind: 'otlp_grpc',
    endpoint: 'cause' in endpoint ? defaultOtlp.endpoint : endpoint.url,
    tls: { insecure: 'cause' in endpoint ? true : endpoint.insecure, ...readTls(variables) },
    ...readBoth(variables),
  };
}

function readTls(variables: Variables): TlsFilesConfig {
  const key = variables.otlp('CLIENT_KEY');
  const certificate = variables.otlp('CLIENT_CERTIFICATE');
  if ((key === undefined) !== (certificate === undefined)) {
    variables.errors.push(`${(key ?? certificate)?.name}: the client's key and certificate are only of use together`);
  }
  return {
    caFile: variables.otlp('CERTIFICATE')?.value,
    keyFile: key?.value,
    certFile: certificate?.value,
  };
}

/** What both protocols have. */
function readBoth(variables: Variables) {
  // What isn't understood counts as unset, so that a wrong value for metrics leaves the one for all signals.
  const allTimeoutMs = variables.integer('OTEL_EXPORTER_OTLP_TIMEOUT', 0, longestMs, defaultOtlp.timeoutMs);
  const timeoutMs = variables.integer('OTEL_EXPORTER_OTLP_METRICS_TIMEOUT', 0, longestMs, allTimeoutMs);
  const compressions = new Map([['gzip', 'gzip'] as const, ['none', 'none'] as const]);
  const allCompression = variables.word('OTEL_EXPORTER_OTLP_COMPRESSION', compressions, 'none') ?? 'none';
  const compression = variables.word('OTEL_EXPORTER_OTLP_METRICS_COMPRESSION', compressions, allCompression);
  return {
    headers: readHeaders(variables),
    compression: compression ?? allCompression,
    timeoutMs: effectiveTimeout(timeoutMs),
    temporality: readTemporality(variables),
    histogramAggregation: readAggregation(variables),
  } as const;
}

function readHeaders(variables: Variables): Readonly<Record<string, string>> {
  const given = variables.otlp('HEADERS');
  if (given === undefined) return {};
  const { values, cause } = parseKeyValues(given.value);
  if (cause !== undefined) variables.errors.push(`${given.name} must be KEY=VALUE,KEY=VALUE: ${cause}`);
  const entries = Object.entries(values).map(([name, value]) => {
    const wrong = headerCause(name, value);
    if (wrong !== undefined) variables.errors.push(`${given.name}: ${wrong}`);
    return [name.toLowerCase(), value];
  });
  return Object.fromEntries(entries);
}

function readTemporality(variables: Variables): TemporalityPreference {
  const name = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';
  return variables.word(name, temporalities, 'cumulative') ?? 'cumulative';
}

function readAggregation(variables: Variables): HistogramAggregation {
  const name = 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION';
  return variables.word(name, aggregations, 'explicit_bucket_histogram') ?? 'explicit_bucket_histogram';
}
