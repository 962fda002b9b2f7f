import { readFields } from '../../wire/read-fields.ts';

/** What a field holds. 64-bit integers become decimal strings, as OTLP/JSON has them. */
type Scalar =
  | 'string'
  | 'bool'
  | 'enum'
  | 'integer'
  | 'fixed'
  | 'double'
  | 'zigzag'
  | 'integers'
  | 'fixeds'
  | 'doubles';

interface Shape {
  readonly name: string;
  readonly type: Scalar | (() => Message);
  readonly repeated?: true;
}
type Message = Readonly<Record<number, Shape>>;

const many = (name: string, message: () => Message): Shape => ({ name, type: message, repeated: true });
const one = (name: string, type: Shape['type']): Shape => ({ name, type });

/** Messages by their fields. Source: opentelemetry/proto/{collector/metrics,metrics,resource,common}/v1/*.proto. */
const anyValue: Message = {
  1: one('stringValue', 'string'),
  2: one('boolValue', 'bool'),
  3: one('intValue', 'integer'),
  4: one('doubleValue', 'double'),
  5: one('arrayValue', () => ({ 1: many('values', () => anyValue) })),
  6: one('kvlistValue', () => ({ 1: many('values', () => keyValue) })),
};
const keyValue: Message = { 1: one('key', 'string'), 2: one('value', () => anyValue) };
const times: Message = { 2: one('startTimeUnixNano', 'fixed'), 3: one('timeUnixNano', 'fixed') };
const numberPoint: Message = {
  7: many('attributes', () => keyValue),
  ...times,
  4: one('asDouble', 'double'),
  6: one('asInt', 'fixed'),
};
const histogramPoint: Message = {
  9: many('attributes', () => keyValue),
  ...times,
  4: one('count', 'fixed'),
  5: one('sum', 'double'),
  6: one('bucketCounts', 'fixeds'),
  7: one('explicitBounds', 'doubles'),
  11: one('min', 'double'),
  12: one('max', 'double'),
};
const buckets: Message = { 1: one('offset', 'zigzag'), 2: one('bucketCounts', 'integers') };
const exponentialPoint: Message = {
  1: many('attributes', () => keyValue),
  ...times,
  4: one('count', 'fixed'),
  5: one('sum', 'double'),
  6: one('scale', 'zigzag'),
  7: one('zeroCount', 'fixed'),
  8: one('positive', () => buckets),
  9: one('negative', () => buckets),
  12: one('min', 'double'),
  13: one('max', 'double'),
  14: one('zeroThreshold', 'double'),
};
const data = (point: Message): (() => Message) => {
  return () => ({
    1: many('dataPoints', () => point),
    2: one('aggregationTemporality', 'enum'),
    3: one('isMonotonic', 'bool'),
  });
};
const metric: Message = {
  1: one('name', 'string'),
  2: one('description', 'string'),
  3: one('unit', 'string'),
  5: one('gauge', data(numberPoint)),
  7: one('sum', data(numberPoint)),
  9: one('histogram', data(histogramPoint)),
  10: one('exponentialHistogram', data(exponentialPoint)),
};
const scope: Message = { 1: one('name', 'string'), 2: one('version', 'string') };
const scopeMetrics: Message = { 1: one('scope', () => scope), 2: many('metrics', () => metric) };
const resource: Message = { 1: many('attributes', () => keyValue) };
const resourceMetrics: Message = {
  1: one('resource', () => resource),
  2: many('scopeMetrics', () => scopeMetrics),
  3: one('schemaUrl', 'string'),
};
const request: Message = { 1: many('resourceMetrics', () => resourceMetrics) };

/**
 * An ExportMetricsServiceRequest as OTLP/JSON has it, ready for JSON.stringify. Throws RangeError where the bytes are no
 * message. Source: "JSON Protobuf Encoding" in docs/specification.md of opentelemetry-proto.
 */
export function requestJson(bytes: Uint8Array): object {
  return read(bytes, request);
}

function read(bytes: Uint8Array, message: Message): object {
  const json: Record<string, unknown> = {};
  for (const { number, value } of readFields(bytes)) {
    const shape = message[number];
    if (shape === undefined) continue;
    const { name, type, repeated } = shape;
    const read = typeof type === 'function' ? readMessage(value, type()) : readScalar(value, type);
    if (repeated !== true) json[name] = read;
    else if (Array.isArray(json[name])) json[name].push(read);
    else json[name] = [read];
  }
  return json;
}

function readMessage(value: number | Uint8Array, message: Message): object {
  if (typeof value === 'number') throw new RangeError('no OTLP: a number where a message belongs');
  return read(value, message);
}

function readScalar(value: number | Uint8Array, type: Scalar): unknown {
  if (typeof value === 'number') {
    if (type === 'zigzag') return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    if (type === 'bool') return value !== 0;
    return type === 'enum' ? value : String(value);
  }
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  switch (type) {
    case 'string':
      return Buffer.from(value).toString('utf8');
    case 'fixed':
      return String(view.getBigInt64(0, true));
    case 'double':
      return jsonNumber(view.getFloat64(0, true));
    case 'fixeds':
      return Array.from({ length: value.length / 8 }, (_, i) => String(view.getBigUint64(i * 8, true)));
    case 'doubles':
      return Array.from({ length: value.length / 8 }, (_, i) => jsonNumber(view.getFloat64(i * 8, true)));
    case 'integers':
      return [...readVarints(value)].map(String);
    default:
      throw new RangeError('no OTLP: bytes where a number belongs');
  }
}

/** JSON itself has neither. */
function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function* readVarints(bytes: Uint8Array): Generator<number> {
  let value = 0;
  let factor = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * factor;
    factor *= 0x80;
    if (byte >= 0x80) continue;
    yield value;
    [value, factor] = [0, 1];
  }
}
