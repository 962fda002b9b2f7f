import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { negotiateEncoding } from '../../../../src/readers/prometheus/page/encoding.ts';
import { negotiateFormat, textFormat } from '../../../../src/readers/prometheus/page/format.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const TEXT1 = 'text/plain; version=1.0.0; charset=utf-8; escaping=';
const OPEN0 = 'application/openmetrics-text; version=0.0.1; charset=utf-8';
const OPEN1 = 'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=';
const PROTO = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=';
const proto = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

describe('negotiateFormat', () => {
  const cases: [accept: string | undefined, contentType: string][] = [
    [undefined, TEXT],
    ['', TEXT],
    ['*/*', TEXT],
    ['text/*;q=0.3, application/json', TEXT],
    ['application/json', TEXT],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', TEXT],
    ['text/plain', TEXT],
    ['TEXT/PLAIN; VERSION=0.0.4', TEXT],
    ['text/plain;version="1.0.0";escaping="dots"', `${TEXT1}dots`],
    ['text/plain;version=1.0.0', `${TEXT1}underscores`],
    ['text/plain;version=1.0.0;escaping=allow-utf-8', `${TEXT1}allow-utf-8`],
    ['text/plain;version=1.0.0;escaping=values', `${TEXT1}values`],
    ['text/plain;version=1.0.0;escaping=none-such', `${TEXT1}underscores`],
    ['text/plain;version=9', TEXT],
    ['text/plain;version=9, application/openmetrics-text;q=0.1', OPEN0],
    ['application/openmetrics-text', OPEN0],
    ['application/openmetrics-text; version=0.0.1, text/plain;version=0.0.4;q=0.5,*/*;q=0.1', OPEN0],
    ['application/openmetrics-text;version=1.0.0;escaping=allow-utf-8', `${OPEN1}allow-utf-8`],
    ['application/openmetrics-text;version=1.0.0', `${OPEN1}underscores`],
    ['application/openmetrics-text;version=2.0.0', TEXT],
    // As Prometheus 3 asks, without native histograms and with them.
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      `${OPEN1}allow-utf-8`,
    ],
    [
      `${proto};q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2`,
      `${PROTO}allow-utf-8`,
    ],
    [`${proto};q=0.2,text/plain;version=1.0.0;escaping=dots;q=0.1`, `${PROTO}dots`],
    [`${proto};escaping=values,text/plain;version=1.0.0;escaping=dots;q=0.1`, `${PROTO}values`],
    [proto, `${PROTO}underscores`],
    // Other protobuf than the messages one after the other.
    ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text', TEXT],
    ['application/vnd.google.protobuf', TEXT],
    // Quality.
    ['text/plain;version=0.0.4;q=0.1, application/openmetrics-text;version=0.0.1;q=0.11', OPEN0],
    ['application/openmetrics-text;q=0, text/plain;q=0.001', TEXT],
    ['application/openmetrics-text;q=0', TEXT],
    ['application/openmetrics-text;q=high, text/plain;q=0.1', TEXT],
    ['application/openmetrics-text;q=1.5, text/plain;q=0.1', TEXT],
    ['text/plain;version=0.0.4;q=0.5, application/openmetrics-text;q=0.5', TEXT],
    ['application/openmetrics-text;q=0.5, text/plain;version=0.0.4;q=0.5', OPEN0],
    ['application/openmetrics-text ; version = 1.0.0 ; escaping = allow-utf-8 ; q = 0.9', `${OPEN1}allow-utf-8`],
    [',;=, ;;;,application/openmetrics-text', OPEN0],
  ];
  for (const [accept, contentType] of cases) {
    it(`${accept} → ${contentType}`, () => assert.equal(negotiateFormat(accept).contentType, contentType));
  }

  it('takes the best of what is offered', () => {
    const prometheus = `${proto};q=0.7,application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2`;
    assert.equal(negotiateFormat(prometheus, ['text']).contentType, TEXT);
    assert.equal(negotiateFormat(prometheus, ['text', 'openmetrics']).contentType, `${OPEN1}underscores`);
    assert.equal(negotiateFormat('application/openmetrics-text', ['text', 'protobuf']).contentType, TEXT);
  });

  it('writes UTF-8 in quotes only where that is part of the format', () => {
    assert.equal(negotiateFormat('text/plain;version=0.0.4;escaping=allow-utf-8').escaping, 'underscores');
    assert.equal(
      negotiateFormat('application/openmetrics-text;version=0.0.1;escaping=allow-utf-8').escaping,
      'underscores',
    );
    assert.equal(negotiateFormat('text/plain;version=0.0.4;escaping=dots').escaping, 'dots');
  });

  it('answers the same object for the same format', () => {
    assert.equal(negotiateFormat('text/plain'), textFormat);
    assert.equal(negotiateFormat(proto), negotiateFormat(`${proto};q=0.3`));
  });
});

describe('negotiateEncoding', () => {
  const cases: [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['deflate, gzip;q=0.5', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip; q=0.0, *', undefined],
    ['*', 'gzip'],
    ['*;q=0', undefined],
    ['identity', undefined],
    ['identity;q=0.5, gzip;q=0.4', undefined],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['br', undefined],
    ['zstd', 'zstd'],
    ['br, zstd', 'zstd'],
    ['gzip, zstd', 'zstd'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['gzip;q=1.0, zstd;q=0.9', 'gzip'],
    ['gzip;q=wrong', undefined],
  ];
  for (const [header, encoding] of cases) {
    it(`${header} → ${encoding}`, () => assert.equal(negotiateEncoding(header), encoding));
  }
});
