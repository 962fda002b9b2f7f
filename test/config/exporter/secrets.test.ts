// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's references to variables are written so
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDiagnostic } from '../../../src/config/diagnostic.ts';
import { readExporterFile } from '../../../src/config/exporter/file.ts';
import { otlp, withReaders } from './read.ts';

const secret = 's3cr3t';

const files: readonly [what: string, text: string][] = [
  ['a value that is no string', otlp('headers:', '  - name: a', '    value: [s3cr3t]')],
  ['a number from a variable', otlp('headers:', '  - name: a', '    value: ${NUMBER}')],
  ['a key beside it', otlp('headers: [{name: a, value: s3cr3t, vlaue: s3cr3t}]')],
  ['an illegal value', otlp('headers: [{name: a, value: "s3cr3t\\u0007"}]')],
  ['an illegal name', otlp('headers: [{name: "a b", value: s3cr3t}]')],
  ['a binary header', otlp('headers: [{name: a-bin, value: s3cr3t}]')],
  ['a map instead of a list', otlp('headers:', '  authorization: s3cr3t')],
  ['a map in one line', otlp('headers: {authorization: s3cr3t}')],
  ['a text instead of a list', otlp('headers: authorization=s3cr3t')],
  ['texts instead of maps', otlp('headers: [authorization=s3cr3t]')],
  ['no name', otlp('headers: [{value: s3cr3t}]')],
  ['a list without =', otlp('headers_list: "a=1,s3cr3t"')],
  ['a list with a wrong escape', otlp('headers_list: a=s3cr3t%zz')],
  ['a list that is a list', otlp('headers_list: [a=s3cr3t]')],
  ['a block scalar with a wrong reference', otlp('headers_list: >-', '  a=s3cr3t,', '  b=${1A:-s3cr3t} s3cr3t')],
  ['an alias', otlp('headers: &h [{name: a, value: s3cr3t, x: y}]').replace('1.1"', '1.1" # s3cr3t is not shown')],
  ['an anchor elsewhere', `x-token: &t [s3cr3t]\n${otlp('headers: [{name: a, value: *t}]')}`],
  ['an unclosed quote', otlp('headers:', '  - {name: a, value: "s3cr3t}')],
  ['text behind a reference in flow style', otlp('headers: [{name: a, value: ${X} s3cr3t, "s3cr3t": "s3cr3t"}]')],
  ['a tab', otlp('headers:', '\t- name: a', '\t  value: s3cr3t')],
  ['credentials in the endpoint', otlp('endpoint: http://user:s3cr3t@collector:4317')],
  ['credentials and a wrong scheme', otlp('endpoint: ftp://user:s3cr3t@collector:4317')],
  ['a query and a wrong scheme', otlp('endpoint: ftp://collector:4317/?key=s3cr3t')],
  ['a query in no URL', otlp('endpoint: "http://a b?key=s3cr3t"')],
  ['credentials in no URL', otlp('endpoint: "http://user:s3cr3t@a b"')],
  [
    'credentials and the rest in one line',
    withReaders('- periodic: {exporter: {otlp_grpc: {endpoint: "http://u:s3cr3t@c", x: 1}}}'),
  ],
];

for (const [what, text] of files) {
  test(`no secret is shown: ${what}`, () => {
    const file = readExporterFile(text, 'otelcol.yaml', { NUMBER: '57377' });
    const shown = [...file.errors(), ...file.warnings()].map(formatDiagnostic).join('\n');
    assert.ok(file.errors().length > 0);
    assert.ok(!shown.includes(secret) && !shown.includes('57377'), shown);
  });
}

test('no secret is shown with what only the programs can confirm', () => {
  const readers = `meter_provider: {readers: [{periodic: {exporter: {otlp_grpc: {headers: [{name: a, value: ${secret}}]}}}}]}`;
  const text = `{file_format: "1.1", ${readers}, distribution: {ebpf_meter: {only: [a]}}}`;
  const place = readExporterFile(text, 'otelcol.yaml', {}).config?.programs.places?.get('only.a');
  assert.equal(place?.line, 1);
  assert.ok(!place.excerpt.includes(secret), place.excerpt);
});

test('other lines are shown', () => {
  const text = otlp('compression: zstd', 'headers: [{name: a, value: s3cr3t}]');
  const [error] = readExporterFile(text, 'otelcol.yaml', {}).errors();
  assert.equal(error?.excerpt, '            compression: zstd');
});

test('of a line with a secret the key is shown', () => {
  const [error] = readExporterFile(otlp('headers: {a: s3cr3t}'), 'otelcol.yaml', {}).errors();
  assert.equal(
    formatDiagnostic(error!),
    [
      'otelcol.yaml:7:22: "headers" must be a list of {name, value}',
      '                headers: …',
      '                         ^',
    ].join('\n'),
  );
});
