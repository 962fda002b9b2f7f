import type { HrTime } from '@opentelemetry/api';
import type { ProgramPlan } from '../config/plan.ts';
import { type ErrorCode, MeterError } from '../errors.ts';
import { possibleCpus } from '../kernel/cpus.ts';
import { createFunctionNames } from '../kernel/functions.ts';
import { LibbpfError } from '../libbpf/error.ts';
import type { LoadedObject } from '../libbpf/loaded.ts';
import { OpenedObject } from '../libbpf/object.ts';
import type { ProgramInfo } from '../libbpf/stats.ts';
import { filledReaders } from '../maps/filled.ts';
import { mapReaders } from '../maps/readers.ts';
import type { MapReaders } from '../maps/reading.ts';
import { cpusConstant, hasCpusConstant, sizeForCpus } from './percpu.ts';
import { explain, readEnvironment } from './reasons.ts';

/** What became of one BPF program (C function) of an object. */
export interface AttachedProgram {
  readonly bpfProgram: string;
  readonly section: string;
  /** `not loaded`: nothing that is exported needs it, or its section begins with `?`. */
  readonly state: 'attached' | 'not loaded' | 'failed';
  /** Why it failed, or, of an attached one, which of its hooks it isn't attached to; with a remedy. */
  readonly error: MeterError | undefined;
}

/** A program that counts until it is disposed. */
export interface RunningProgram extends Disposable {
  readonly name: string;
  readonly plan: ProgramPlan;
  /** In the order of the object. */
  readonly attached: readonly AttachedProgram[];
  /** Names of enabled metrics that count nothing, since a BPF program that they need failed. */
  readonly lost: readonly string[];
  readonly readers: MapReaders;
  /** When the first BPF program was attached. */
  readonly startTime: HrTime;
  /** Id, tag and statistics of a BPF program; undefined where it isn't loaded. Throws MeterError('load'). */
  info(bpfProgram: string): ProgramInfo | undefined;
}

/**
 * Loads and attaches what the plan asks for. The object is consumed: it is loaded, or closed.
 * A BPF program that can't be loaded or attached doesn't stop the others; it is `failed` in the result.
 * Throws MeterError where the object as a whole can't be loaded: 'load' (no rights, no memory for its maps),
 * 'config' (a constant that isn't there or doesn't fit).
 */
export function loadProgram(plan: ProgramPlan, opened: OpenedObject): RunningProgram {
  const failures = new Map<string, MeterError>();
  using stack = new DisposableStack();
  const object = stack.use(loadWhatLoads(plan, opened, failures));
  const iterators = new Map<string, () => void>();
  const readers = stack.use(filledReaders(mapReaders(object), object, plan.filled, (name) => iterators.get(name)));

  using functions = createFunctionNames();
  const kernel = { functionVariants: functions.variants };
  const startTime = hrTime(Date.now());
  const loaded = new Set<string>();
  const attached = object.layout().programs.map(({ name, section }): AttachedProgram => {
    const failure = failures.get(name);
    if (failure) return { bpfProgram: name, section, state: 'failed', error: failure };
    if (!object.isLoaded(name)) return { bpfProgram: name, section, state: 'not loaded', error: undefined };
    loaded.add(name);
    try {
      const { iterate, problem } = stack.use(object.attach(name, kernel, plan.interfaces));
      // What an iterator keeps from one reading to the next begins here.
      iterate?.();
      if (iterate !== undefined) iterators.set(name, iterate);
      const error = problem && explained('attach', plan, name, section, problem);
      return { bpfProgram: name, section, state: 'attached', error };
    } catch (error) {
      return { bpfProgram: name, section, state: 'failed', error: explained('attach', plan, name, section, error) };
    }
  });

  const resources = stack.move();
  return {
    name: plan.name,
    plan,
    attached,
    lost: lostMetrics(plan, attached),
    readers,
    startTime,
    info: (bpfProgram) => (loaded.has(bpfProgram) ? object.programInfo(bpfProgram) : undefined),
    // In reverse order: links, readers, and the object last.
    [Symbol.dispose]: () => resources.dispose(),
  };
}

/** libbpf loads all of an object or nothing, so each BPF program that fails costs another attempt without it. */
function loadWhatLoads(plan: ProgramPlan, first: OpenedObject, failures: Map<string, MeterError>): LoadedObject {
  for (let opened = first; ; opened = OpenedObject.open(plan.object)) {
    using object = opened;
    try {
      prepare(plan, object, failures);
      return object.load();
    } catch (error) {
      const culprit = failedProgram(error);
      const program = object.layout().programs.find(({ name }) => name === culprit);
      // The same program twice: leaving it out didn't help.
      if (!program || failures.has(program.name)) throw explained('load', plan, undefined, undefined, error);
      failures.set(program.name, explained('load', plan, program.name, program.section, error));
    }
  }
}

function prepare(plan: ProgramPlan, object: OpenedObject, failures: ReadonlyMap<string, MeterError>): void {
  const cpus = possibleCpus().indexes;
  if (hasCpusConstant(object)) object.setConstant(cpusConstant, cpus);
  for (const [name, value] of plan.constants) object.setConstant(name, value);
  for (const name of plan.skip) object.setAutoload(name, false);
  for (const name of failures.keys()) object.setAutoload(name, false);
  for (const name of plan.skipMaps) object.setAutocreate(name, false);
  for (const name of plan.perCpuFirst) sizeForCpus(object, name, cpus);
}

/** The BPF program that libbpf gave up at; undefined where it wasn't one. */
function failedProgram(error: unknown): string | undefined {
  if (!(error instanceof MeterError && error.cause instanceof LibbpfError)) return undefined;
  const names = error.cause.messages.map((message) => /prog(?:ram)? '([^']+)'/.exec(message)?.[1]);
  return names.findLast((name) => name !== undefined);
}

function explained(
  code: ErrorCode,
  plan: ProgramPlan,
  program: string | undefined,
  section: string | undefined,
  error: unknown,
): MeterError {
  const cause = error instanceof MeterError ? error.cause : undefined;
  const subject = program === undefined ? plan.name : `${plan.name}: ${program}`;
  if (error instanceof MeterError && cause instanceof LibbpfError) {
    return explain(code, subject, section, cause, readEnvironment(), error.remedy);
  }
  return error instanceof MeterError ? error : new MeterError(code, `${subject}: ${error}`, { cause: error });
}

/**
 * A metric is lost when a BPF program that it names has failed; one that names none, when nothing is attached:
 * many such objects hold several hooks of which a kernel has one.
 */
function lostMetrics(plan: ProgramPlan, attached: readonly AttachedProgram[]): string[] {
  const failed = new Set(attached.filter(({ state }) => state === 'failed').map(({ bpfProgram }) => bpfProgram));
  const nothing = failed.size > 0 && attached.every(({ state }) => state !== 'attached');
  return [...plan.needs]
    .filter(([, needs]) => (needs.programs === undefined ? nothing : needs.programs.some((name) => failed.has(name))))
    .map(([metric]) => metric);
}

function hrTime(milliseconds: number): HrTime {
  return [Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1e6];
}
