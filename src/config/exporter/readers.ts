import { longestMs } from '../../timer.ts';
import type { ConfigEntry, ConfigMap, ConfigNode } from '../yaml/document.ts';
import type {
  ConsoleConfig,
  HistogramAggregation,
  OtlpGrpcConfig,
  OtlpHttpConfig,
  PeriodicReaderConfig,
  PrometheusReaderConfig,
  ReaderConfig,
  TemporalityPreference,
  TlsFilesConfig,
  TranslationStrategy,
  ViewConfig,
} from './configuration.ts';
import { defaultIntervalMs, defaultOtlp, defaultTimeoutMs, effectiveTimeout } from './defaults.ts';
import { defaultEndpoint, headerCause, parseEndpoint } from './grpc.ts';
import { defaultHttpEndpoint, parseHttpEndpoint } from './http.ts';
import { readIncludeExclude } from './include-exclude.ts';
import { parseKeyValues } from './key-values.ts';
import { readLimits } from './limits.ts';
import { readMeterConfigurator } from './meter-configurator.ts';
import { resolvePath } from './path.ts';
import { secretText } from './secrets.ts';
import { choice, requiredSetting, section, setting } from './section.ts';
import { readViews } from './view-selectors.ts';

const producers = 'the programs under distribution.ebpf_meter are the only producer';

/** By the name that the file has for it. */
export const translations: ReadonlyMap<string, TranslationStrategy> = new Map<string, TranslationStrategy>([
  ['underscore_escaping_with_suffixes', 'underscore_escaping_with_suffixes'],
  ['underscore_escaping_without_suffixes/development', 'underscore_escaping_without_suffixes'],
  ['no_utf8_escaping_with_suffixes/development', 'no_utf8_escaping_with_suffixes'],
  ['no_translation/development', 'no_translation'],
]);

interface MeterProviderConfig {
  readonly readers: readonly ReaderConfig[];
  /** False: the meter that all metrics are of is disabled. */
  readonly isEnabled: boolean;
  readonly views?: readonly ViewConfig[];
}

/** `meter_provider` of the file; `directory` is the file's own, from which relative paths start. */
export function readMeterProvider(node: ConfigNode, directory: string): MeterProviderConfig {
  const map = section(node, { supported: ['readers', 'views', 'exemplar_filter', 'meter_configurator/development'] });
  const views = readViews(setting(map, 'views'));
  const isEnabled = readMeterConfigurator(setting(map, 'meter_configurator/development'));
  const filter = setting(map, 'exemplar_filter');
  if (filter?.oneOf(['always_on', 'always_off', 'trace_based']) === 'always_on') {
    filter.error(
      '"always_on" isn\'t supported by this version: metrics from BPF maps have no exemplars; use always_off',
    );
  }
  const readers: ReaderConfig[] = [];
  for (const item of setting(map, 'readers')?.list() ?? []) {
    const reader = readReader(item, directory);
    if (reader === undefined) continue;
    if (reader.kind === 'prometheus' && readers.some((other) => sameAddress(other, reader))) {
      item.error(`${item.subject} listens on the same host and port as one before`);
    }
    readers.push(reader);
  }
  return { readers, isEnabled, ...(views.length > 0 && { views }) };
}

function sameAddress(a: ReaderConfig, b: PrometheusReaderConfig): boolean {
  return a.kind === 'prometheus' && a.host === b.host && a.port === b.port && b.port !== 0;
}

function readReader(node: ConfigNode, directory: string): ReaderConfig | undefined {
  const kind = choice(node, { supported: ['pull', 'periodic'] });
  if (kind === undefined) return undefined;
  return kind.name === 'pull' ? readPull(kind.value) : readPeriodic(kind.value, directory);
}

function readPull(node: ConfigNode): PrometheusReaderConfig | undefined {
  const map = section(node, {
    supported: ['exporter', 'cardinality_limits'],
    unsupported: { producers },
  });
  const exporter = map && requiredSetting(map, 'exporter');
  const kind = exporter && choice(exporter, { supported: ['prometheus/development'] });
  return kind && { ...readPrometheus(kind.value), ...readLimits(setting(map, 'cardinality_limits')) };
}

function readPrometheus(node: ConfigNode): PrometheusReaderConfig {
  const map = section(node, {
    supported: [
      'host',
      'port',
      'scope_info_enabled',
      'target_info_enabled/development',
      'resource_constant_labels',
      'translation_strategy',
    ],
    unsupported: {
      with_resource_constant_labels: 'use resource_constant_labels',
      without_scope_info: 'use scope_info_enabled: false',
      without_target_info: 'use target_info_enabled/development: false',
      without_units: 'use translation_strategy: underscore_escaping_without_suffixes/development',
      without_type_suffix: 'use translation_strategy: underscore_escaping_without_suffixes/development',
    },
  });
  const labels = setting(map, 'resource_constant_labels');
  const translation = setting(map, 'translation_strategy')?.oneOf([...translations.keys()]);
  return {
    kind: 'prometheus',
    host: setting(map, 'host')?.string() ?? 'localhost',
    port: setting(map, 'port')?.integer({ min: 0, max: 65_535 }) ?? 9464,
    translation: translations.get(translation ?? '') ?? 'underscore_escaping_with_suffixes',
    scopeInfo: setting(map, 'scope_info_enabled')?.boolean() ?? true,
    targetInfo: setting(map, 'target_info_enabled/development')?.boolean() ?? true,
    ...(labels !== undefined && { resourceLabels: readIncludeExclude(labels) }),
  };
}

function readPeriodic(node: ConfigNode, directory: string): PeriodicReaderConfig | undefined {
  const map = section(node, {
    supported: ['interval', 'timeout', 'max_export_batch_size/development', 'exporter', 'cardinality_limits'],
    unsupported: { producers },
  });
  if (map === undefined) return undefined;
  const intervalMs = setting(map, 'interval')?.integer({ min: 1, max: longestMs }) ?? defaultIntervalMs;
  const timeoutMs = setting(map, 'timeout')?.integer({ min: 0, max: longestMs }) ?? defaultTimeoutMs;
  const maxExportBatchSize = setting(map, 'max_export_batch_size/development')?.integer({ min: 1, max: 2 ** 31 - 1 });
  const exporter = requiredSetting(map, 'exporter');
  const kind =
    exporter &&
    choice(exporter, {
      supported: ['otlp_grpc', 'otlp_http', 'console'],
      unsupported: { 'otlp_file/development': 'use otlp_grpc, otlp_http or console' },
    });
  if (kind === undefined) return undefined;
  return {
    kind: 'periodic',
    intervalMs,
    timeoutMs: effectiveTimeout(timeoutMs),
    ...(maxExportBatchSize !== undefined && { maxExportBatchSize }),
    ...readLimits(setting(map, 'cardinality_limits')),
    exporter: readPush(kind, directory),
  };
}

function readPush({ name, value }: ConfigEntry, directory: string): PeriodicReaderConfig['exporter'] {
  if (name === 'console') return readConsole(value);
  return name === 'otlp_http' ? readOtlpHttp(value, directory) : readOtlpGrpc(value, directory);
}

function readConsole(node: ConfigNode): ConsoleConfig {
  const map = section(node, { supported: ['temporality_preference', 'default_histogram_aggregation'] });
  checkAggregation(map);
  return { kind: 'console', temporality: readTemporality(map) };
}

/** What both protocols have; `encoding` is HTTP's alone. */
const otlpKeys = [
  ...['endpoint', 'tls', 'headers', 'headers_list', 'compression', 'timeout'],
  ...['temporality_preference', 'default_histogram_aggregation'],
];

function readOtlpGrpc(node: ConfigNode, directory: string): OtlpGrpcConfig {
  const map = section(node, { supported: otlpKeys });
  return { kind: 'otlp_grpc', ...readEndpoint(map, directory), ...readOtlp(map) };
}

function readOtlpHttp(node: ConfigNode, directory: string): OtlpHttpConfig {
  const map = section(node, { supported: [...otlpKeys, 'encoding'] });
  const encoding = setting(map, 'encoding');
  if (encoding?.oneOf(['protobuf', 'json']) === 'json') {
    encoding.error('"json" isn\'t supported by this version; use protobuf, which every receiver of OTLP takes');
  }
  const tlsNode = setting(map, 'tls');
  const tls = tlsNode && section(tlsNode, { supported: tlsKeys });
  const endpoint = setting(map, 'endpoint');
  const url = parseHttpEndpoint(endpoint?.string() ?? defaultHttpEndpoint);
  if ('cause' in url) endpoint?.error(`"endpoint": ${url.cause}`);
  else for (const warning of url.warnings) endpoint?.warn(`"endpoint": ${warning}`);
  return {
    kind: 'otlp_http',
    endpoint: 'cause' in url ? defaultHttpEndpoint : url.url,
    tls: readTlsFiles(tlsNode, tls, directory),
    ...readOtlp(map),
  };
}

function readOtlp(map: ConfigMap | undefined) {
  const timeoutMs = setting(map, 'timeout')?.integer({ min: 0, max: longestMs }) ?? defaultOtlp.timeoutMs;
  return {
    headers: readHeaders(map),
    compression: setting(map, 'compression')?.oneOf(['gzip', 'none']) ?? 'none',
    timeoutMs: effectiveTimeout(timeoutMs),
    temporality: readTemporality(map),
    histogramAggregation: readAggregation(map),
  } as const;
}

const tlsKeys = ['ca_file', 'key_file', 'cert_file'];

function readTlsFiles(node: ConfigNode | undefined, tls: ConfigMap | undefined, directory: string): TlsFilesConfig {
  const path = (key: string): string | undefined => {
    const text = setting(tls, key)?.string();
    return text === undefined ? undefined : resolvePath(directory, text);
  };
  const files = { caFile: path('ca_file'), keyFile: path('key_file'), certFile: path('cert_file') };
  if ((files.keyFile === undefined) !== (files.certFile === undefined)) {
    node?.error('"key_file" and "cert_file" are only of use together');
  }
  return files;
}

function readEndpoint(map: ConfigMap | undefined, directory: string): Pick<OtlpGrpcConfig, 'endpoint' | 'tls'> {
  const tlsNode = setting(map, 'tls');
  const tls = tlsNode && section(tlsNode, { supported: [...tlsKeys, 'insecure'] });
  const insecure = setting(tls, 'insecure')?.boolean();
  const files = readTlsFiles(tlsNode, tls, directory);
  const node = setting(map, 'endpoint');
  const endpoint = parseEndpoint(node?.string() ?? defaultEndpoint, insecure);
  if ('cause' in endpoint) {
    node?.error(`"endpoint": ${endpoint.cause}`);
    return { endpoint: defaultEndpoint, tls: { ...files, insecure: true } };
  }
  for (const warning of endpoint.warnings) node?.warn(`"endpoint": ${warning}`);
  if (endpoint.insecure && (files.caFile ?? files.keyFile ?? files.certFile) !== undefined) {
    tlsNode?.warn('"tls" names files, but the endpoint is http: nothing is encrypted');
  }
  return { endpoint: endpoint.url, tls: { ...files, insecure: endpoint.insecure } };
}

/** No message here may quote a value: the accessors' own would. */
function readHeaders(map: ConfigMap | undefined): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  const add = (node: ConfigNode, name: string, value: string): void => {
    const cause = headerCause(name, value);
    if (cause !== undefined) node.error(`${node.subject}: ${cause}`);
    headers.set(name.toLowerCase(), value);
  };

  const listed = setting(map, 'headers_list');
  const text = listed && secretText(listed);
  if (listed && text !== undefined) {
    const { values, cause } = parseKeyValues(text);
    if (cause !== undefined) listed.error(`"headers_list" must be KEY=VALUE,KEY=VALUE: ${cause}`);
    for (const [name, value] of Object.entries(values)) add(listed, name, value);
  }

  const node = setting(map, 'headers');
  if (node && !node.isList) node.error('"headers" must be a list of {name, value}');
  for (const item of node?.isList ? node.list()! : []) {
    if (!item.isMap) {
      item.error(`${item.subject} must be {name, value}`);
      continue;
    }
    const header = section(item, { supported: ['name', 'value'] })!;
    const name = requiredSetting(header, 'name')?.string();
    const valueNode = header.required('value');
    if (name === undefined || valueNode === undefined || valueNode.isNull) continue;
    const value = secretText(valueNode);
    if (value !== undefined) add(valueNode, name, value);
  }
  return Object.fromEntries(headers);
}

function readTemporality(map: ConfigMap | undefined): TemporalityPreference {
  return setting(map, 'temporality_preference')?.oneOf(['cumulative', 'delta', 'low_memory']) ?? 'cumulative';
}

function readAggregation(map: ConfigMap | undefined): HistogramAggregation {
  const node = setting(map, 'default_histogram_aggregation');
  return (
    node?.oneOf(['explicit_bucket_histogram', 'base2_exponential_bucket_histogram']) ?? 'explicit_bucket_histogram'
  );
}

function checkAggregation(map: ConfigMap | undefined): void {
  if (readAggregation(map) === 'explicit_bucket_histogram') return;
  setting(map, 'default_histogram_aggregation')?.error(
    '"base2_exponential_bucket_histogram" isn\'t supported for the console; use explicit_bucket_histogram',
  );
}
