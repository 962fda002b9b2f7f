import { stringify } from 'yaml';
import { longestMs } from '../../timer.ts';
import type {
  ConsoleConfig,
  DetectionConfig,
  ExporterConfig,
  IncludeExclude,
  OtlpGrpcConfig,
  OtlpHttpConfig,
  PeriodicReaderConfig,
  ProgramOverride,
  PrometheusReaderConfig,
  ReaderConfig,
  ResourceValue,
  TlsFilesConfig,
  ViewAggregation,
  ViewConfig,
} from './configuration.ts';
import { translations } from './readers.ts';

/** What stands for a secret. */
const hidden = '[hidden]';

/**
 * A configuration as a file that would make it, every setting with its value, but for secrets: what headers hold, and what
 * is behind the `?` of a URL. Paths are as they are resolved.
 */
export function configYaml(config: ExporterConfig): string {
  const { logLevel, views = [], programs, resourceAttributes, resourceSchemaUrl, detection } = config;
  const [settings] = config.readers.filter((reader) => reader.kind === 'prometheus');
  const prometheus = { ...config.prometheus, ...settings };
  const file = {
    file_format: '1.1',
    disabled: config.disabled,
    log_level: logLevel ?? 'info',
    resource: {
      attributes: Object.entries(resourceAttributes).map(([name, value]) => ({ name, value, type: typeOf(value) })),
      schema_url: resourceSchemaUrl,
      'detection/development': detection && detectionNode(detection),
    },
    meter_provider: { readers: config.readers.map(readerNode), views: views.map(viewNode) },
    distribution: {
      ebpf_meter: {
        namespace: config.namespace,
        strict: config.strict,
        bpf_stats: config.bpfStats,
        btf_path: config.btfPath,
        compatible_metrics: config.compatibleMetrics,
        keep_capabilities: config.keepCapabilities?.length === 0 ? 'none' : config.keepCapabilities,
        directories: programs.directories,
        shipped: programs.shipped,
        only: programs.only,
        prometheus: {
          web_config_file: prometheus.webConfigFile,
          gzip_level: prometheus.gzipLevel,
          max_scrapes: prometheus.maxScrapes,
          authenticate_probes: prometheus.authenticateProbes,
          path: prometheus.path,
          formats: prometheus.formats,
        },
        programs: Object.fromEntries([...programs.overrides].map(([name, override]) => [name, programNode(override)])),
      },
    },
  };
  return stringify(withoutNothing(file), { lineWidth: 0, aliasDuplicateObjects: false });
}

function typeOf(value: ResourceValue): string {
  const one = Array.isArray(value) ? value[0] : value;
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  const number = all.every(Number.isInteger) ? 'int' : 'double';
  const type = typeof one === 'number' ? number : typeof one === 'boolean' ? 'bool' : 'string';
  return Array.isArray(value) ? `${type}_array` : type;
}

function detectionNode({ detectors, attributes }: DetectionConfig): object {
  return { attributes: patterns(attributes), detectors: detectors.map((name) => ({ [name]: {} })) };
}

function readerNode(reader: ReaderConfig): object {
  return reader.kind === 'prometheus' ? { pull: pullNode(reader) } : { periodic: periodicNode(reader) };
}

function pullNode(reader: PrometheusReaderConfig): object {
  const [translation] = [...translations].find(([, strategy]) => strategy === reader.translation)!;
  const exporter = {
    host: reader.host === '' ? '::' : reader.host,
    port: reader.port,
    scope_info_enabled: reader.scopeInfo,
    'target_info_enabled/development': reader.targetInfo,
    resource_constant_labels: reader.resourceLabels && patterns(reader.resourceLabels),
    translation_strategy: translation,
  };
  return { exporter: { 'prometheus/development': exporter }, cardinality_limits: reader.cardinalityLimits };
}

function periodicNode(reader: PeriodicReaderConfig): object {
  const { intervalMs, timeoutMs, maxExportBatchSize, cardinalityLimits, exporter } = reader;
  return {
    interval: intervalMs,
    timeout: timeoutNode(timeoutMs),
    'max_export_batch_size/development': maxExportBatchSize,
    exporter: { [exporter.kind]: exporter.kind === 'console' ? consoleNode(exporter) : otlpNode(exporter) },
    cardinality_limits: cardinalityLimits,
  };
}

function consoleNode({ temporality }: ConsoleConfig): object {
  return { temporality_preference: temporality };
}

function otlpNode(exporter: OtlpGrpcConfig | OtlpHttpConfig): object {
  return {
    endpoint: exporter.endpoint.replace(/\?.*$/s, `?${hidden}`),
    tls: tlsNode(exporter.tls),
    headers: Object.keys(exporter.headers).map((name) => ({ name, value: hidden })),
    compression: exporter.compression,
    timeout: timeoutNode(exporter.timeoutMs),
    temporality_preference: exporter.temporality,
    default_histogram_aggregation: exporter.histogramAggregation,
  };
}

function tlsNode({ caFile, keyFile, certFile }: TlsFilesConfig): object {
  return { ca_file: caFile, key_file: keyFile, cert_file: certFile };
}

function timeoutNode(timeoutMs: number): number {
  return timeoutMs === longestMs ? 0 : timeoutMs;
}

function patterns({ included, excluded }: IncludeExclude): object {
  return { included, excluded };
}

function viewNode({ selector, name, description, attributeKeys, aggregation, cardinalityLimit }: ViewConfig): object {
  return {
    selector: {
      instrument_name: selector.instrumentName,
      instrument_type: selector.instrumentType,
      unit: selector.unit,
      meter_name: selector.meterName,
      meter_version: selector.meterVersion,
      meter_schema_url: selector.meterSchemaUrl,
    },
    stream: {
      name,
      description,
      attribute_keys: attributeKeys && patterns(attributeKeys),
      aggregation: aggregation && aggregationNode(aggregation),
      aggregation_cardinality_limit: cardinalityLimit,
    },
  };
}

function aggregationNode(aggregation: ViewAggregation): object {
  switch (aggregation.kind) {
    case 'explicit_bucket_histogram': {
      const { kind, boundaries, minMax } = aggregation;
      return { [kind]: { boundaries, record_min_max: minMax } };
    }
    case 'base2_exponential_bucket_histogram': {
      const { kind, maxScale, maxSize, minMax } = aggregation;
      return { [kind]: { max_scale: maxScale, max_size: maxSize, record_min_max: minMax } };
    }
    default:
      return { [aggregation.kind]: {} };
  }
}

function programNode({ enabled, metrics, constants, ways, interfaces }: ProgramOverride): object {
  return {
    enabled,
    metrics,
    constants: Object.fromEntries(constants),
    ways: Object.fromEntries(ways),
    interfaces,
  };
}

/** Keys that mean something though nothing is behind them. */
const kept = new Set([
  ...['selector', 'stream', 'readers', 'boundaries', 'value', 'resource_constant_labels', 'attribute_keys'],
  ...['container', 'host', 'os', 'process', 'service', 'default', 'drop', 'sum', 'last_value'],
]);

/** Without what isn't said, and without maps and lists that are then empty, but for those that mean something. */
function withoutNothing(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => withoutNothing(item, 'item'));
    return items.length > 0 || kept.has(key) ? items : undefined;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .map(([name, inner]) => [name, withoutNothing(inner, name)] as const)
    .filter(([, inner]) => inner !== undefined);
  return entries.length > 0 || kept.has(key) ? Object.fromEntries(entries) : undefined;
}
