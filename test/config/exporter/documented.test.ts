import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readEnvironment } from '../../../src/config/exporter/environment.ts';
import { config, problems } from './read.ts';

const page = await readFile(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');

function documented(name: string): string {
  const [, text] = page.split(`## ${name}\n`);
  assert.ok(text !== undefined, name);
  return text.split(/\n## /)[0]!;
}

test('the table of variables names those that are read, each once', () => {
  const names = [...documented('Environment variables').matchAll(/^\| `(OTEL_\w+)`/gm)].map(([, name]) => name!);
  const read = new Set<string>();
  const target: Record<string, string> = { OTEL_METRICS_EXPORTER: 'otlp,prometheus,console' };
  const env = new Proxy(target, {
    get(target, name: string) {
      read.add(name);
      return target[name];
    },
  });
  readEnvironment(env, { prometheus: false, otlp: undefined });
  target.OTEL_EXPORTER_OTLP_PROTOCOL = 'grpc';
  readEnvironment(env, { prometheus: false, otlp: undefined });
  // Read by what chooses between file and environment.
  read.add('OTEL_CONFIG_FILE');
  const general = [...read].filter((name) => !name.startsWith('OTEL_EXPORTER_OTLP_METRICS_') || names.includes(name));
  assert.deepEqual([...names].sort(), general.sort());
  for (const name of read) {
    if (names.includes(name)) continue;
    assert.ok(names.includes(name.replace('_METRICS_', '_')), name);
  }
});

test('the defaults in the table of variables are those of the code', () => {
  const rows = [...documented('Environment variables').matchAll(/^\| `(OTEL_\w+)` \|.*\| `?([^|`]*?)`? \|$/gm)];
  const given = rows.filter(
    ([, name, value]) => value !== '' && !/METRICS_EXPORTER|SERVICE_NAME|LOG_LEVEL/.test(name!),
  );
  assert.ok(given.length > 10);
  const chosen = { OTEL_METRICS_EXPORTER: 'otlp,prometheus' };
  const bare = readEnvironment(chosen, { prometheus: false, otlp: undefined });
  const env = { ...chosen, ...Object.fromEntries(given.map(([, name, value]) => [name, value])) };
  assert.deepEqual(readEnvironment(env, { prometheus: false, otlp: undefined }), bare);
});

test('the example is valid', () => {
  const [, example] = /```yaml\n(.*?)```/s.exec(page) ?? [];
  assert.deepEqual(problems(example!), []);
  assert.equal(config(example!).readers.length, 2);
});

test('every key of the file is on the page, with its name', () => {
  const keys = [
    ...['disabled', 'log_level', 'resource.attributes', 'resource.attributes_list', 'resource.schema_url'],
    ...['resource.detection/development', 'meter_provider.views', 'meter_provider.meter_configurator/development'],
    ...['meter_provider.exemplar_filter', 'resource_constant_labels'],
    ...['host', 'port', 'scope_info_enabled', 'target_info_enabled/development', 'translation_strategy'],
    ...[
      'interval',
      'timeout',
      'max_export_batch_size/development',
      'exporter',
      'endpoint',
      'tls',
      'headers',
      'headers_list',
      'compression',
    ],
    ...['temporality_preference', 'default_histogram_aggregation', 'namespace', 'strict', 'bpf_stats', 'directories'],
    ...[
      'shipped',
      'only',
      'programs.NAME.enabled',
      'programs.NAME.metrics',
      'programs.NAME.constants',
      'programs.NAME.ways',
      'programs.NAME.interfaces',
      'btf_path',
      'keep_capabilities',
      'compatible_metrics',
      'prometheus.web_config_file',
      'prometheus.gzip_level',
      'prometheus.max_scrapes',
      'prometheus.authenticate_probes',
      'prometheus.path',
      'prometheus.formats',
      'meter_provider.readers',
    ],
  ];
  const rows = new Set([...documented('The file').matchAll(/^\| `([\w./]+)` \|/gm)].map(([, key]) => key));
  assert.deepEqual([...rows].sort(), [...new Set(keys)].sort());
});
