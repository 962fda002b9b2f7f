import type { Rejected } from './transport.ts';
import { type Field, readFields } from './wire.ts';

/** What a google.rpc.Status tells. */
export interface RpcStatus {
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

/** Milliseconds of a Retry-After header, seconds or a date (RFC 9110, 10.2.3); undefined where it is neither. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** google.protobuf.Duration: seconds and nanoseconds. */
function durationMs(bytes: Uint8Array): number {
  const fields = fieldsOf(bytes);
  const seconds = first(fields, 1);
  const nanoseconds = first(fields, 2);
  return (typeof seconds === 'number' ? seconds * 1000 : 0) + (typeof nanoseconds === 'number' ? nanoseconds / 1e6 : 0);
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
