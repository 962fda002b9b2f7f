import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationType, InstrumentType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { requestJson } from '../../../../src/readers/otlp/encoding/json.ts';
import { createConsoleTransport } from '../../../../src/readers/otlp/transports/console.ts';

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

for (const type of [AggregationType.DEFAULT, AggregationType.EXPONENTIAL_HISTOGRAM] as const) {
  test(`a request as OTLP/JSON is what the stock serializer makes of it, aggregation ${type}`, async () => {
    const isExponential = type === AggregationType.EXPONENTIAL_HISTOGRAM;
    const reader = new Reader({
      aggregationSelector: (instrument) => ({
        type: isExponential && instrument === InstrumentType.HISTOGRAM ? type : AggregationType.DEFAULT,
      }),
    });
    const resource = resourceFromAttributes({ 'service.name': 'é', 'process.pid': 7, ratio: 0.5, list: ['a', 'b'] });
    const meter = new MeterProvider({ readers: [reader], resource }).getMeter('m', '1');
    meter.createCounter('c', { description: 'Calls', unit: '{call}' }).add(2 ** 40 + 1, { a: '1', b: true });
    meter.createCounter('c2').add(0.25);
    meter.createUpDownCounter('u').add(-3);
    meter.createGauge('g').record(1.5);
    const histogram = meter.createHistogram('h', { unit: 's' });
    for (const value of [0, 1e-6, 1, 5, 300, 2e6]) histogram.record(value, { a: 'x' });
    const { resourceMetrics } = await reader.collect();

    const expected = JSON.parse(Buffer.from(JsonMetricsSerializer.serializeRequest(resourceMetrics)!).toString());
    const bytes = ProtobufMetricsSerializer.serializeRequest(resourceMetrics)!;
    assert.deepEqual(meaning(requestJson(bytes)), meaning(expected));

    const lines: string[] = [];
    const transport = createConsoleTransport((line) => void lines.push(line));
    assert.deepEqual(await transport.send(bytes, 1), { accepted: true, rejected: undefined });
    assert.deepEqual(JSON.parse(lines.join('\n')), requestJson(bytes));
  });
}

test('what can not be printed is a failed export, and the next one begins a new line', async () => {
  let failure: object | undefined = { code: 'ENOSPC', written: 5 };
  const texts: string[] = [];
  const transport = createConsoleTransport((text) => {
    if (failure !== undefined) throw Object.assign(new Error('no space'), failure);
    texts.push(text);
  });
  const failed = await transport.send(Buffer.alloc(0), 1);
  assert.ok(!failed.accepted);
  assert.deepEqual([failed.errorType, failed.retryable, failed.unclear], ['ENOSPC', false, false]);
  failure = undefined;
  assert.ok((await transport.send(Buffer.alloc(0), 1)).accepted);
  assert.ok((await transport.send(Buffer.alloc(0), 1)).accepted);
  assert.deepEqual(texts, ['\n{}\n', '{}\n']);
});

test('bytes that are no request are refused', () => {
  for (const bytes of [
    [0x0a, 5, 1],
    [0x08, 1],
    [0x0a, 2, 0x08, 1],
  ]) {
    assert.throws(() => requestJson(Buffer.from(bytes)), RangeError);
  }
});

test('numbers that JSON does not have', () => {
  const request = (value: number) => {
    const double = Buffer.alloc(9, 0x21);
    double.writeDoubleLE(value, 1);
    return [0x0a, 0x12, 0x12, 0x3a, 0x0a].reduceRight((inner, tag) => {
      return Buffer.concat([Buffer.from([tag, inner.length]), inner]);
    }, double);
  };
  const text = (value: number) => JSON.stringify(requestJson(request(value)));
  assert.match(text(0.5), /"asDouble":0.5\}/);
  assert.match(text(Number.NaN), /"asDouble":"NaN"\}/);
  assert.match(text(Number.POSITIVE_INFINITY), /"asDouble":"Infinity"\}/);
});

/** Without what proto3 leaves out, and 64-bit integers as text throughout. */
function meaning(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(meaning);
  if (typeof json !== 'object' || json === null) return typeof json === 'number' ? String(json) : json;
  const entries = Object.entries(json).map(([name, value]) => [name, meaning(value)] as const);
  const isDefault = (value: unknown) =>
    ['', '0', false, undefined].includes(value as string) || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(entries.filter(([, value]) => !isDefault(value)).toSorted());
}
