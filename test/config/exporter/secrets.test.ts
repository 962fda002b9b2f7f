// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's references to variables are written so
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readExporterFile } from '../../../src/config/exporter/file.ts';
import { formatDiagnostic } from '../../../src/config/yaml/diagnostic.ts';
import { Attempt } from '../../fuzz/attempt.ts';
import { otlp, withReaders } from './read.ts';
import { secret, secretFile, withSlips } from './secret-slips.ts';

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
  ['a misspelt list', otlp('header_list: a=s3cr3t')],
  ['a misspelt key that begins the same line', otlp('hedaers: [{name: a, value: s3cr3t}]')],
  ['no space behind a key in flow style', otlp('headers: [{name: a, value:"Bearer s3cr3t"}]')],
  ['no space behind a key in block style', otlp('headers:', '  - name: a', '    value:"Bearer s3cr3t"')],
  ['no space behind the list', otlp('headers_list:a=s3cr3t')],
  ['a value beside the headers', otlp('headers:', '  - name: a', 'value: s3cr3t')],
  ['a list that goes on in the next line', otlp('headers_list: a=1,', '  b=s3cr3t:x%zz')],
  ['a list as HTTP has headers', otlp('headers_list: "Authorization: Basic s3cr3t=="')],
  ['a name that is the secret', otlp('headers: [{name: "s3cr3t x", value: a}]')],
  ['a misspelt endpoint', otlp('endpiont: "http://u:s3cr3t@c"')],
  ['a scalar for tls', otlp('tls: s3cr3t')],
  ['a wrong value below tls', otlp('tls: {insecure: s3cr3t}')],
  ['a wrong key below tls', otlp('tls: {s3cr3t: 1}')],
  ['basic_auth', otlp('basic_auth: {username: a, password: s3cr3t}')],
  ['an authorization', otlp('authorization: Bearer s3cr3t')],
  ['headers of the reader', withReaders('- periodic: {headers: {a: s3cr3t}}')],
  ['headers at the top', 'file_format: "1.2"\nheaders: [{name: a, value: s3cr3t}]\n'],
  ['headers of the distribution', 'file_format: "1.1"\ndistribution: {ebpf_meter: {headers: {a: s3cr3t}}}\n'],
  ['an unknown key at the top', 'file_format: "1.1"\nmeter_providr: {readers: [{value: s3cr3t}]}\n'],
  ['a comment', otlp('compression: zstd # Bearer s3cr3t')],
  ['an unclosed quote before', otlp('compression: "none', 'headers_list: a=s3cr3t', 'encoding: "protobuf"')],
  ['an anchor that is not there', otlp('headers: [{name: a, value: *s3cr3t}]')],
  ['a tag', otlp('headers: [{name: a, value: !s3cr3t x}, 1]')],
  ['a block scalar on the line of its header', otlp('headers_list: |s3cr3t')],
  ['a merge', `x-t: &t {value: [s3cr3t]}\n${otlp('headers: [{name: a, <<: *t}]')}`],
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

test('no secret is shown of files with random slips', () => {
  let wrong = 0;
  for (let seed = 0; seed < 2000; seed++) {
    const attempt = new Attempt(seed);
    const text = withSlips(secretFile, (limit) => attempt.below(limit));
    const file = readExporterFile(text, 'otelcol.yaml', {});
    const diagnostics = [...file.errors(), ...file.warnings()];
    if (diagnostics.length > 0) wrong++;
    const shown = diagnostics.map(formatDiagnostic).join('\n');
    assert.ok(!shown.includes(secret), `${text}\n${shown}`);
  }
  assert.ok(wrong > 1000, `${wrong} were wrong`);
});
