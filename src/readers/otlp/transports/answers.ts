import { type Field, readFields } from '../../wire/read-fields.ts';
import type { Rejected } from './transport.ts';

/** Bytes of an answer that is read; gRPC's own limit. One that is longer says nothing that has to be known. */
export const MOST_ANSWER_BYTES = 4 * 1024 * 1024;

/** What stands for an answer that says that all went well, but is too long to be read. */
export const UNREAD: Rejected = {
  points: 0,
  message: `an answer of more than ${MOST_ANSWER_BYTES / 1024 / 1024} MiB, which is not read`,
};

/** What a google.rpc.Status tells. */
interface RpcStatus {
  readonly message: string;
  /** From its RetryInfo; undefined: none. */
  readonly retryAfterMs: number | undefined;
}

/**
 * What an ExportMetricsServiceResponse says was rejected; undefined where nothing was, and where it can't be read: it
 * was an answer to an export that went well.
 */
export function readResponse(bytes: Uint8Array): Rejected | undefined {
  const partial = first(fieldsOf(bytes), 1);
  if (!(partial instanceof Uint8Array)) return undefined;
  const fields = fieldsOf(partial);
  const points = first(fields, 1);
  const message = text(first(fields, 2));
  const rejected = typeof points === 'number' ? points : 0;
  return rejected === 0 && message === '' ? undefined : { points: rejected, message };
}

/** Reads a google.rpc.Status (google/rpc/status.proto, error_details.proto); what can't be read is left out. */
export function readStatus(bytes: Uint8Array): RpcStatus {
  const fields = fieldsOf(bytes);
  let retryAfterMs: number | undefined;
  for (const { number, value } of fields) {
    if (number !== 3 || typeof value === 'number') continue;
    const detail = fieldsOf(value);
    const packed = first(detail, 2);
    if (!text(first(detail, 1)).endsWith('/google.rpc.RetryInfo')) continue;
    const delay = packed instanceof Uint8Array ? first(fieldsOf(packed), 1) : undefined;
    retryAfterMs = delay instanceof Uint8Array ? durationMs(delay) : 0;
  }
  return { message: text(first(fields, 2)), retryAfterMs };
}

/**
 * Milliseconds of a Retry-After header, seconds or a date (RFC 9110, 10.2.3); undefined where it is neither. `date` is the
 * header Date of the same answer: two times of one clock, rather than of that machine's and of this one's.
 */
export function retryAfterMs(header: string | undefined, date?: string): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const until = Date.parse(header);
  if (Number.isNaN(until)) return undefined;
  const now = Date.parse(date ?? '');
  return Math.max(0, until - (Number.isNaN(now) ? Date.now() : now));
}

/** google.protobuf.Duration: seconds and nanoseconds. */
function durationMs(bytes: Uint8Array): number {
  const fields = fieldsOf(bytes);
  const seconds = first(fields, 1);
  const nanoseconds = first(fields, 2);
  return Math.max(0, signed(seconds) * 1000 + signed(nanoseconds) / 1e6);
}

/** An int64 or int32, which are varints of 64 bits; 0 where there is none. */
function signed(value: Field['value'] | undefined): number {
  if (typeof value !== 'number') return 0;
  return value >= 2 ** 63 ? value - 2 ** 64 : value;
}

function fieldsOf(bytes: Uint8Array): readonly Field[] {
  try {
    return [...readFields(bytes)];
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

function first(fields: readonly Field[], number: number): Field['value'] | undefined {
  return fields.find((field) => field.number === number)?.value;
}

function text(value: Field['value'] | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';
}
