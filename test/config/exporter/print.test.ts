import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exporterConfig } from '../../../src/config/exporter/assemble.ts';
import type { ExporterConfig } from '../../../src/config/exporter/configuration.ts';
import { readExporterFile } from '../../../src/config/exporter/file.ts';
import { configYaml } from '../../../src/config/exporter/print.ts';
import { config } from './read.ts';

const everything = `
file_format: "1.1"
log_level: debug
resource:
  schema_url: https://opentelemetry.io/schemas/1.44.0
  detection/development: {attributes: {included: [host.*]}, detectors: [{host: }, {container: }, {service: }]}
  attributes:
    - {name: a, value: "1.10"}
    - {name: b, value: 7, type: int}
    - {name: c, value: 1.5, type: double}
    - {name: d, value: [true, false], type: bool_array}
    - {name: e, value: [x, y], type: string_array}
meter_provider:
  readers:
    - pull:
        cardinality_limits: {default: 5, histogram: 7}
        exporter:
          prometheus/development:
            host: "::"
            port: 9435
            scope_info_enabled: false
            resource_constant_labels: {}
            translation_strategy: no_utf8_escaping_with_suffixes/development
    - periodic:
        interval: 1000
        timeout: 0
        max_export_batch_size/development: 100
        exporter:
          otlp_grpc:
            endpoint: https://collector:4317
            tls: {ca_file: /ca.pem, key_file: /key.pem, cert_file: /cert.pem}
            compression: gzip
            timeout: 0
            temporality_preference: delta
            default_histogram_aggregation: base2_exponential_bucket_histogram
    - periodic: {exporter: {otlp_http: {endpoint: http://c:4318/v1/metrics}}}
    - periodic: {exporter: {console: {temporality_preference: low_memory}}}
  views:
    - {selector: {instrument_name: "*"}, stream: {aggregation: {drop: }}}
    - selector: {instrument_name: a, instrument_type: histogram, unit: s, meter_name: m, meter_version: "1.10", meter_schema_url: u}
      stream:
        name: b
        description: c
        attribute_keys: {included: ["?"], excluded: [d]}
        aggregation_cardinality_limit: 9
        aggregation: {explicit_bucket_histogram: {boundaries: []}}
    - {selector: {}, stream: {aggregation: {base2_exponential_bucket_histogram: {max_size: 20}}}}
    - {selector: {}, stream: {}}
distribution:
  ebpf_meter:
    namespace: ""
    strict: true
    bpf_stats: true
    directories: [/d]
    shipped: false
    only: [block]
    prometheus: {web_config_file: /w.yml, gzip_level: 3, max_scrapes: 4, authenticate_probes: true, formats: [text, openmetrics]}
    programs:
      block: {enabled: true, metrics: [block.x], constants: {a: 1, b: 18446744073709551615}, ways: {hook: "6.1"}, interfaces: [eth0]}
`;

/** Without where things stood. */
function comparable({ views, programs: { places: _, ...programs }, ...rest }: ExporterConfig): object {
  return { ...rest, programs, views: views?.map(({ at: _at, selectorAt: _selectorAt, ...view }) => view) };
}

test('what is printed makes the same configuration again', () => {
  const before = config(everything);
  const printed = configYaml(before);
  assert.deepEqual(comparable(config(printed)), comparable(before));
  assert.equal(configYaml(config(printed)), printed);
});

test('the defaults without a file are printed in full', async () => {
  const { config: made } = await exporterConfig({ env: {}, readFile: () => '' });
  const text = configYaml(made);
  assert.match(text, /port: 9435\n/);
  assert.match(text, /namespace: ebpf\n/);
  assert.match(text, /log_level: info\n/);
  assert.deepEqual(comparable(config(text)), comparable({ ...made, logLevel: 'info' }));
});

test('secrets are hidden, and what is left can be read', async () => {
  const env = {
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20s3cr3t,x-key=s3cr3t',
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'https://c/v1/metrics?token=s3cr3t',
  };
  const { config: made } = await exporterConfig({ env, readFile: () => '' });
  const text = configYaml(made);
  assert.doesNotMatch(text, /s3cr3t/);
  assert.match(text, /name: authorization\n/);
  assert.match(text, /endpoint: https:\/\/c\/v1\/metrics\?\[hidden\]/);
  assert.deepEqual(readExporterFile(text, 'f.yaml', {}).errors(), []);
});
