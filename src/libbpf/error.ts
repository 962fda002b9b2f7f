import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { type ErrorCode, MeterError } from '../errors.ts';
import { errno } from './library.ts';
import { collectMessages } from './print.ts';

/** Numbers that aren't errno's, and where they come from. */
const foreign = new Map<number, string>([
  // include/linux/errno.h: the kernel's own, though bpf(2) and perf_event_open(2) let it through.
  [524, 'ENOTSUPP'],
  // libbpf_legacy.h, enum libbpf_errno.
  [4000, 'LIBBPF_ERRNO__LIBELF'],
  [4001, 'LIBBPF_ERRNO__FORMAT'],
  [4002, 'LIBBPF_ERRNO__KVERSION'],
  [4003, 'LIBBPF_ERRNO__ENDIAN'],
  [4004, 'LIBBPF_ERRNO__INTERNAL'],
  [4005, 'LIBBPF_ERRNO__RELOC'],
  [4006, 'LIBBPF_ERRNO__LOAD'],
  [4007, 'LIBBPF_ERRNO__VERIFY'],
  [4008, 'LIBBPF_ERRNO__PROG2BIG'],
  [4009, 'LIBBPF_ERRNO__KVER'],
  [4010, 'LIBBPF_ERRNO__PROGTYPE'],
]);

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
// Linux has one number for both, and the manual pages of bpf(2) say EOPNOTSUPP.
names.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');
names.set(constants.errno.EAGAIN, 'EAGAIN');

/** ENOENT for 2; `errno N` where it has no name. */
export function errnoName(number: number): string {
  return names.get(number) ?? foreign.get(number) ?? `errno ${number}`;
}

function errnoText(number: number): string {
  const name = errnoName(number);
  return names.has(number) ? `${name} (${getSystemErrorMessage(-number)})` : name;
}

/** What a call into libbpf or the kernel failed with; the `cause` of the MeterErrors of this folder. */
export class LibbpfError extends Error {
  override readonly name = 'LibbpfError';
  /** errno's name, or libbpf's for its own numbers. */
  readonly code: string;
  readonly errno: number;
  /** What libbpf said meanwhile, line by line; the verifier's log is one of several lines. */
  readonly messages: readonly string[];

  constructor(call: string, number: number, messages: readonly string[]) {
    super(`${call}: ${errnoText(number)}`);
    this.code = errnoName(number);
    this.errno = number;
    this.messages = messages;
  }
}

/** What libbpf or the kernel failed with, where that is behind an error of this folder's. */
export function libbpfCause(error: unknown): LibbpfError | undefined {
  return error instanceof MeterError && error.cause instanceof LibbpfError ? error.cause : undefined;
}

/** Newer kernels, such as Linux 7.3, explain the reason at length below it. */
const logPattern = /BEGIN PROG LOAD LOG --\n([\s\S]*?)(?:\nVerification failed: |-- END PROG LOAD LOG|$)/;
/** Lines of libbpf that say only that something failed, after the one that says what. */
const echo = /failed to (load|prepare)|BPF program load failed|PROG LOAD LOG|^Error in|^elf: /;
/** What may stand behind the reason in a verifier's log: states and statistics. */
const statistics = /^((cur|old) state:|processed \d+ insns|verification time|stack depth|mark_precise|\d+: )/;

/** The line that says why, of all that libbpf and the verifier said; undefined where they said nothing. */
export function lastWords(messages: readonly string[]): string | undefined {
  for (const message of messages) {
    const log = logPattern.exec(message)?.[1];
    if (log === undefined) continue;
    const lines = log.split('\n').map((line) => line.trim());
    const reason = lines.findLast((line) => line !== '' && !statistics.test(line));
    if (reason !== undefined) return `the verifier says "${reason}"`;
  }
  const said = messages.flatMap((message) => message.split('\n')).filter((line) => line.trim() !== '');
  return said.findLast((line) => !echo.test(line)) ?? said.at(-1);
}

/** Makes the error that a user reads, with libbpf's last words in the message and everything in `detail`. */
export function describe(code: ErrorCode, subject: string, cause: LibbpfError, remedy?: string): MeterError {
  const words = lastWords(cause.messages);
  const message = `${subject}: ${errnoText(cause.errno)}${words === undefined ? '' : `: ${words}`}`;
  const detail = cause.messages.join('\n');
  return new MeterError(code, message, {
    cause,
    ...(detail === '' ? {} : { detail }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/**
 * Calls a function that returns a pointer or NULL, with errno set.
 * Throws MeterError(code) for NULL, as `subject: errno: last words`.
 */
export function pointerOrThrow(
  code: ErrorCode,
  subject: string,
  name: string,
  call: () => bigint | null,
  remedy?: string,
): bigint {
  const { result, messages } = collectMessages(() => {
    const pointer = call();
    // Read before anything else runs that might change it.
    return { pointer, number: pointer === null ? errno() : 0 };
  });
  if (result.pointer === null) throw describe(code, subject, new LibbpfError(name, result.number, messages), remedy);
  return result.pointer;
}

/**
 * Calls a function that returns 0 or more for success and a negative errno otherwise; returns the result.
 * Throws MeterError(code) for a negative one, as `subject: errno: last words`.
 */
export function resultOrThrow(code: ErrorCode, subject: string, name: string, call: () => number): number {
  const { result, messages } = collectMessages(call);
  if (result < 0) throw describe(code, subject, new LibbpfError(name, -result, messages));
  return result;
}
