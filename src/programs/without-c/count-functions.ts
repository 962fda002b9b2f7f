import type { FunctionsSpec, SourceWithoutC } from '../../config/plan.ts';
import { functionNameBytes } from '../../config/without-c/function-maps.ts';
import type { MeterError } from '../../errors.ts';
import { findFunctions, hasKprobes, type KernelFunction } from '../../kernel/traceable-functions.ts';
import { libbpfCause } from '../../libbpf/error.ts';
import { type AttachedFunctions, attachCopies, attachMulti, attachSingles } from './function-ways.ts';
import { namedReader } from './named-reader.ts';
import type { RunningSource, SourceOf, Starter } from './starter.ts';
import {
  limitError,
  nothingLeftError,
  type UnmatchedPattern,
  unmatchedError,
  unmatchedProgram,
} from './unmatched-patterns.ts';

/** Where `missed` is in struct function_calls of programs/generic/functions.bpf.c, in words of 8 bytes. */
const missedWord = 1;

/** Best first: one hook for all of them; a hook each for one program; a hook and a program each. */
const ways = [attachMulti, attachSingles, attachCopies];

/** kprobes and, where a metric asks for more than the calls, kretprobes. */
export const countFunctions: Starter<FunctionsSpec> = {
  start(source) {
    const { functions: found, unmatched, error } = resolve(source);
    if (error !== undefined) throw error;
    if (!hasKprobes()) return absent(source);
    return run(source, attach(source, found), unmatched);
  },
  describe(source) {
    const { functions: found, unmatched, error } = resolve(source);
    const sections = found.map(({ name }) => `kprobe/${name}`);
    if (error !== undefined) return { sections, state: { state: 'missing', reason: error.message } };
    if (!hasKprobes()) return { sections, state: { state: 'missing', reason: 'this kernel has no kprobes' } };
    const [first] = unmatched;
    const reason =
      first === undefined
        ? 'whether a function can be traced shows when it is attached'
        : unmatchedError(first).message;
    return { sections, state: { state: 'unknown', reason } };
  },
};

interface Resolved {
  readonly functions: readonly KernelFunction[];
  readonly unmatched: readonly UnmatchedPattern[];
  /** Why there are no functions. */
  readonly error: MeterError | undefined;
}

function resolve({ map, counts: { patterns, limit } }: SourceOf<FunctionsSpec>): Resolved {
  const { functions: found, unmatched } = findFunctions(patterns);
  if (found.length > limit) {
    return { functions: [], unmatched: [], error: limitError(patterns, 'functions', found.length, limit) };
  }
  if (found.length > 0) return { functions: found, unmatched, error: undefined };
  const error = unmatched[0] === undefined ? nothingLeftError(map) : unmatchedError(unmatched[0]);
  return { functions: [], unmatched, error };
}

function attach(source: SourceWithoutC, found: readonly KernelFunction[]): AttachedFunctions {
  const request = {
    map: source.map,
    functions: found,
    withLatency: source.metrics.some(({ field }) => field !== 'calls'),
  };
  let last: unknown;
  for (const way of ways) {
    try {
      return way(request);
    } catch (error) {
      // Not for this kernel; a file that is missing or a right that is missing are no reason to go on.
      if (libbpfCause(error) === undefined) throw error;
      last = error;
    }
  }
  throw last;
}

/** A kernel built without kprobes is no failure, as one without a PMU is none. */
function absent({ metrics }: SourceWithoutC): RunningSource {
  const names = metrics.map(({ name }) => name);
  const reason = "this kernel has no kprobes (CONFIG_KPROBE_EVENTS), without which functions can't be counted";
  return {
    reader: undefined,
    attached: [],
    absent: [{ metrics: names, level: 'info', reason }],
    [Symbol.dispose]: () => {},
  };
}

function run(
  source: SourceOf<FunctionsSpec>,
  functions: AttachedFunctions,
  unmatched: readonly UnmatchedPattern[],
): RunningSource {
  using stack = new DisposableStack();
  stack.use(functions);
  const missing = unmatched.map((pattern) => unmatchedProgram(source.map, 'kprobe', pattern));
  const reader = namedReader(functions.counts, functions.named, {
    map: source.map,
    keySize: functionNameBytes,
    maxEntries: source.counts.limit,
  });
  let missedReturns = 0;
  const resources = stack.move();
  return {
    reader: {
      ...reader,
      read() {
        const entries = reader.read();
        missedReturns = sumOfWord(entries.values, missedWord, reader.valueSize);
        return entries;
      },
    },
    attached: [...functions.attached, ...missing],
    absent: [],
    info: (name) => functions.info(name),
    losses: () => [
      { reason: 'missed_call', count: functions.missedCalls() },
      { reason: 'missed_return', count: missedReturns },
    ],
    [Symbol.dispose]: () => resources.dispose(),
  };
}

/** Over all CPUs' values. */
function sumOfWord(values: Uint8Array, word: number, valueSize: number): number {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  let sum = 0;
  for (let at = word * 8; at < values.byteLength; at += valueSize) sum += Number(view.getBigUint64(at, true));
  return sum;
}
