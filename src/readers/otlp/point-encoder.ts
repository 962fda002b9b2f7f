import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import { DataPointType, type Histogram, type MetricData } from '@opentelemetry/sdk-metrics';

const TWO_32 = 4294967296;
/** Tags of opentelemetry/proto/metrics/v1/metrics.proto: field number × 8 + wire type. */
const POINT = 0x0a;
const START_TIME = 0x11;
const TIME = 0x19;
const NUMBER = { asDouble: 0x21, asInt: 0x31, attributes: 0x3a };
const HISTOGRAM = { count: 0x21, sum: 0x29, bucketCounts: 0x32, explicitBounds: 0x3a, attributes: 0x4a };
/** Of a KeyValue its value, of an AnyValue its string_value. */
const VALUE = 0x12;
const STRING_VALUE = 0x0a;

/**
 * Encodes data points as protobuf, one after the other into one growing buffer, which is kept for the next export.
 * A point costs the bytes that it has: times and the texts of attributes' names are encoded once, and no object is made.
 */
export class PointEncoder {
  bytes = Buffer.allocUnsafeSlow(64 * 1024);
  length = 0;
  #view = new DataView(this.bytes.buffer);
  readonly #keys = new Map<string, Buffer>();
  readonly #start = new EncodedTime();
  readonly #end = new EncodedTime();

  clear(): void {
    this.length = 0;
  }

  /** Appends all points of a metric as the repeated field data_points of its Gauge, Sum or Histogram message. */
  append(metric: MetricData): void {
    if (metric.dataPointType === DataPointType.HISTOGRAM) {
      for (const point of metric.dataPoints)
        this.#histogram(point.attributes, point.startTime, point.endTime, point.value);
      return;
    }
    const integer = metric.descriptor.valueType === ValueType.INT;
    for (const point of metric.dataPoints) {
      this.#number(point.attributes, point.startTime, point.endTime, point.value as number, integer);
    }
  }

  #number(attributes: Attributes, start: HrTime, end: HrTime, value: number, integer: boolean): void {
    this.#reserve(64);
    const begin = this.#begin();
    this.#times(start, end);
    if (integer) {
      this.bytes[this.length++] = NUMBER.asInt;
      this.#integer(value);
    } else {
      this.bytes[this.length++] = NUMBER.asDouble;
      this.#double(value);
    }
    this.#attributes(NUMBER.attributes, attributes);
    this.#finish(begin);
  }

  #histogram(attributes: Attributes, start: HrTime, end: HrTime, histogram: Histogram): void {
    const { counts, boundaries } = histogram.buckets;
    this.#reserve(128 + (counts.length + boundaries.length) * 8);
    const begin = this.#begin();
    this.#times(start, end);
    this.bytes[this.length++] = HISTOGRAM.count;
    this.#integer(histogram.count);
    if (histogram.sum !== undefined) {
      this.bytes[this.length++] = HISTOGRAM.sum;
      this.#double(histogram.sum);
    }
    this.bytes[this.length++] = HISTOGRAM.bucketCounts;
    this.length = writeVarint(this.bytes, this.length, counts.length * 8);
    for (let i = 0; i < counts.length; i++) this.#integer(counts[i]!);
    if (boundaries.length > 0) {
      this.bytes[this.length++] = HISTOGRAM.explicitBounds;
      this.length = writeVarint(this.bytes, this.length, boundaries.length * 8);
      for (let i = 0; i < boundaries.length; i++) this.#double(boundaries[i]!);
    }
    this.#attributes(HISTOGRAM.attributes, attributes);
    this.#finish(begin);
  }

  /** Leaves one byte for the point's length, which is enough for most. */
  #begin(): number {
    this.bytes[this.length++] = POINT;
    return this.length++;
  }

  #finish(begin: number): void {
    const size = this.length - begin - 1;
    const lengthBytes = varintSize(size);
    if (lengthBytes > 1) {
      this.#reserve(lengthBytes);
      this.bytes.copyWithin(begin + lengthBytes, begin + 1, this.length);
      this.length += lengthBytes - 1;
    }
    writeVarint(this.bytes, begin, size);
  }

  #times(start: HrTime, end: HrTime): void {
    this.bytes[this.length++] = START_TIME;
    this.#nanoseconds(this.#start, start);
    this.bytes[this.length++] = TIME;
    this.#nanoseconds(this.#end, end);
  }

  #nanoseconds(encoded: EncodedTime, time: HrTime): void {
    if (time !== encoded.of) encoded.set(time);
    this.#view.setUint32(this.length, encoded.low, true);
    this.#view.setUint32(this.length + 4, encoded.high, true);
    this.length += 8;
  }

  /** fixed64 and sfixed64; the negative ones as two's complement. */
  #integer(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.#view.setUint32(this.length, value - high * TWO_32, true);
    this.#view.setUint32(this.length + 4, high, true);
    this.length += 8;
  }

  #double(value: number): void {
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Values of map-fed series are always text. */
  #attributes(tag: number, attributes: Attributes): void {
    for (const key in attributes) this.#attribute(tag, key, attributes[key] as string);
  }

  #attribute(tag: number, key: string, value: string): void {
    const encodedKey = this.#keys.get(key) ?? this.#encodeKey(key);
    const characters = value.length;
    this.#reserve(encodedKey.length + characters * 3 + 24);
    const start = this.length;
    let at = this.#attributeHead(tag, encodedKey, characters);
    const out = this.bytes;
    for (let i = 0; i < characters; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        // Its UTF-8 is longer than its characters, so the lengths in front of it are others.
        this.length = start;
        at = this.#attributeHead(tag, encodedKey, Buffer.byteLength(value));
        at += out.write(value, at, 'utf8');
        break;
      }
      out[at++] = code;
    }
    this.length = at;
  }

  /** All of a KeyValue but its text, whose bytes are to follow at the position answered. */
  #attributeHead(tag: number, encodedKey: Buffer, textBytes: number): number {
    const out = this.bytes;
    const anyValueBytes = 1 + varintSize(textBytes) + textBytes;
    let at = this.length;
    out[at++] = tag;
    at = writeVarint(out, at, encodedKey.length + 1 + varintSize(anyValueBytes) + anyValueBytes);
    for (let i = 0; i < encodedKey.length; i++) out[at++] = encodedKey[i]!;
    out[at++] = VALUE;
    at = writeVarint(out, at, anyValueBytes);
    out[at++] = STRING_VALUE;
    return writeVarint(out, at, textBytes);
  }

  #encodeKey(key: string): Buffer {
    const encoded = stringField(1, key);
    this.#keys.set(key, encoded);
    return encoded;
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.ceil((this.length + bytes) * 1.5));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Nanoseconds since the epoch of the last time that was asked for: nearly all points of a collection share theirs. */
class EncodedTime {
  of: HrTime | undefined;
  low = 0;
  high = 0;

  set(time: HrTime): void {
    const nanoseconds = BigInt(time[0]) * 1_000_000_000n + BigInt(time[1]);
    this.of = time;
    this.low = Number(nanoseconds & 0xffffffffn);
    this.high = Number(nanoseconds >> 32n);
  }
}

/** A string or bytes field; nothing where it is empty, as proto3 has it. */
export function stringField(field: number, text: string): Buffer {
  return text === '' ? Buffer.alloc(0) : messageField(field, [Buffer.from(text)]);
}

/** An embedded message of these parts, with its tag and length in front. */
export function messageField(field: number, parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([messageHead(field, size), ...parts]);
}

/** Tag and length of an embedded message of so many bytes. Fields up to 15. */
export function messageHead(field: number, size: number): Buffer {
  const head = Buffer.alloc(1 + varintSize(size));
  head[0] = field * 8 + 2;
  writeVarint(head, 1, size);
  return head;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function writeVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  out[at++] = rest;
  return at;
}
