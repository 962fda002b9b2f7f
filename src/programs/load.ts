import { release } from 'node:os';
import type { HrTime } from '@opentelemetry/api';
import { inBackground } from '../background.ts';
import type { ProgramPlan } from '../config/plan.ts';
import { type ErrorCode, MeterError } from '../errors.ts';
import { possibleCpus } from '../kernel/cpus.ts';
import { libbpfCause } from '../libbpf/error.ts';
import type { Link } from '../libbpf/link.ts';
import type { LoadedObject } from '../libbpf/loaded.ts';
import type { OpenedObject } from '../libbpf/object.ts';
import { discardRecords } from '../maps/discarded.ts';
import { filledReaders } from '../maps/filled.ts';
import { openPerfArrays, type PerfArrays, withPerfArrays } from '../maps/perf-arrays.ts';
import { mapReaders } from '../maps/readers.ts';
import { withoutMetrics } from './absent.ts';
import { addressConstants } from './addresses.ts';
import { CgroupIds } from './cgroup-ids.ts';
import { type KernelHooks, readHooks } from './kernel-hooks.ts';
import { missingOf } from './map-definition.ts';
import { tellNesting } from './nesting.ts';
import { cpusConstant, hasCpusConstant, sizeForCpus, widenTables } from './percpu.ts';
import { explain, lacksHook, readEnvironment } from './reasons.ts';
import type { AttachedProgram, RunningProgram } from './running.ts';
import { TriedWays, type WaySelection } from './ways.ts';

/**
 * Loads and attaches what the plan asks for. The object is consumed: it is loaded, or closed.
 * A BPF program that can't be loaded or attached doesn't stop the others: the next way in to its hook is tried, else it is
 * `failed` in the result. Without `kernel`, what may be asked of it is read here.
 * Throws MeterError where the object as a whole can't be loaded: 'load' (no rights, no memory for its maps),
 * 'config' (a constant that isn't there or doesn't fit).
 */
export function loadProgram(plan: ProgramPlan, opened: OpenedObject, kernel?: KernelHooks): RunningProgram {
  using own = kernel === undefined ? readHooks() : undefined;
  using stack = new DisposableStack();
  const { object, attached, iterators, arrays, ways, startTime, links } = stack.use(
    loadWhatAttaches(plan, opened, kernel ?? own!),
  );
  const filled = filledReaders(mapReaders(object), object, plan.filled, iterators);
  const readers = stack.use(withPerfArrays(filled, arrays, () => followLinks(plan.name, links)));
  stack.use(discardRecords(object, plan.discarded ?? []));
  const cgroupIds = plan.cgroupIds && new CgroupIds(plan.cgroupIds, object.map(plan.cgroupIds.map));
  const isAttached = attached.some(({ state }) => state !== 'not loaded');
  const absent = ways.absent(release(), isAttached);
  const hooks = ways.outcomes();

  const resources = stack.move();
  return {
    name: plan.name,
    plan: withoutMetrics(plan, new Set(absent.flatMap(({ metrics }) => metrics))),
    attached,
    hooks,
    lost: lostMetrics(plan, attached),
    absent,
    readers,
    startTime,
    links: links.map(({ link }) => link),
    info: (bpfProgram) => (object.isLoaded(bpfProgram) ? object.programInfo(bpfProgram) : undefined),
    cgroupIds,
    *losses() {
      yield* arrays.losses();
      yield* cgroupIds?.losses() ?? [];
    },
    *unwatched() {
      for (const { map, milliseconds } of arrays.unwatched()) yield { part: map, milliseconds };
      for (const { bpfProgram, link } of links) {
        if (link.unwatchedMs !== undefined) yield { part: bpfProgram, milliseconds: link.unwatchedMs };
      }
    },
    // In reverse order: readers, links, and the object last.
    [Symbol.dispose]: () => resources.dispose(),
  };
}

interface AttachedObject extends Disposable {
  readonly object: LoadedObject;
  /** In the order of the object. */
  readonly attached: readonly AttachedProgram[];
  /** By BPF program. */
  readonly iterators: ReadonlyMap<string, () => void>;
  readonly arrays: PerfArrays;
  readonly ways: TriedWays;
  readonly startTime: HrTime;
  /** Those that nothing is asked of, the last first. */
  readonly links: readonly ProgramLink[];
}

interface ProgramLink {
  readonly bpfProgram: string;
  readonly link: Link;
}

/** What fails is counted and logged as what is done in the background. */
function followLinks(program: string, links: readonly ProgramLink[]): void {
  for (const { bpfProgram, link } of links) {
    if (link.follow !== undefined) inBackground(`${program}: ${bpfProgram}: CPUs`, link.follow);
  }
}

/**
 * libbpf loads all of an object or nothing, so the object is opened again until all that is tried of it loads, and until no
 * way in that fails to attach has another behind it. Of those all that fail in one go are replaced at once.
 */
function loadWhatAttaches(plan: ProgramPlan, first: OpenedObject, kernel: KernelHooks): AttachedObject {
  const { programs } = first.layout();
  const ways = new TriedWays(plan, programs, kernel);
  const failures = new Map<string, MeterError>();
  const addresses = addressConstants(plan);
  for (let opened = first; ; opened = first.again()) {
    const selection = ways.select();
    const loaded = loadOnce(plan, opened, selection, failures, ways, addresses);
    if (loaded === undefined) continue;
    using stack = new DisposableStack();
    const object = stack.use(loaded);
    const arrays = stack.use(openPerfArrays(object, plan.perfArrays ?? []));
    const startTime = hrTime(Date.now());
    const iterators = new Map<string, () => void>();
    const links: ProgramLink[] = [];
    let another = false;
    const attached = programs.map(({ name, section }): AttachedProgram => {
      const failure = failures.get(name);
      if (failure) return { bpfProgram: name, section, state: 'failed', error: failure };
      if (!object.isLoaded(name)) return { bpfProgram: name, section, state: 'not loaded', error: undefined };
      try {
        const link = stack.use(object.attach(name, kernel, plan.interfaces));
        const { iterate, problem } = link;
        // What an iterator keeps from one reading to the next begins here.
        iterate?.();
        if (iterate === undefined) links.unshift({ bpfProgram: name, link });
        else iterators.set(name, iterate);
        const error = problem && explained('attach', plan, name, section, problem);
        return { bpfProgram: name, section, state: 'attached', error };
      } catch (error) {
        const reason = explained('attach', plan, name, section, error);
        another = ways.pass(name, reason, isLack(section, reason)) || another;
        return { bpfProgram: name, section, state: 'failed', error: reason };
      }
    });
    if (another) continue;
    const all = stack.move();
    return { object, attached, iterators, arrays, ways, startTime, links, [Symbol.dispose]: () => all.dispose() };
  }
}

/** Undefined where it has to be tried again with something else: what failed is in `failures`, or passed over. */
function loadOnce(
  plan: ProgramPlan,
  opened: OpenedObject,
  selection: WaySelection,
  failures: Map<string, MeterError>,
  ways: TriedWays,
  addresses: ReadonlyMap<string, bigint>,
): LoadedObject | undefined {
  using object = opened;
  try {
    prepare(plan, object, selection, failures, addresses);
    return object.load();
  } catch (error) {
    const map = namedIn(error, /map '([^']+)': failed to create/);
    const unmade = explained('load', plan, map, undefined, error);
    if (map !== undefined && ways.passMap(map, unmade, isLack('', unmade))) return undefined;
    const lacking = missingOfMap(object, map, error);
    if (lacking !== undefined) throw lacking;
    const culprit = namedIn(error, /prog(?:ram)? '([^']+)'/);
    const program = object.layout().programs.find(({ name }) => name === culprit);
    // The same program twice: leaving it out didn't help.
    if (!program || failures.has(program.name)) throw explained('load', plan, undefined, undefined, error);
    const { name, section } = program;
    const reason = explained('load', plan, name, section, error);
    if (!ways.pass(name, reason, isLack(section, reason))) failures.set(name, reason);
    return undefined;
  }
}

function prepare(
  plan: ProgramPlan,
  object: OpenedObject,
  { inWays, unneeded, constants, unusedMaps }: WaySelection,
  failures: ReadonlyMap<string, MeterError>,
  addresses: ReadonlyMap<string, bigint>,
): void {
  const cpus = possibleCpus().indexes;
  if (hasCpusConstant(object)) object.setConstant(cpusConstant, cpus);
  tellNesting(object);
  for (const [name, value] of [...plan.constants, ...addresses, ...constants]) object.setConstant(name, value);
  for (const name of plan.skip) object.setAutoload(name, false);
  for (const name of inWays) object.setAutoload(name, true);
  for (const { name } of object.layout().programs) {
    if (unneeded.has(name) || failures.has(name)) object.setAutoload(name, false);
  }
  const skipped = new Set([...plan.skipMaps, ...unusedMaps]);
  for (const name of skipped) object.setAutocreate(name, false);
  for (const { name, type, maxEntries } of object.layout().maps) {
    // libbpf would ask the file for CPUs. An element for each, or a CPU's records have no place.
    if (type === 'perf_event_array' && maxEntries < cpus && !skipped.has(name)) object.setMaxEntries(name, cpus);
  }
  const wide = widenTables(object, skipped, cpus);
  for (const name of plan.perCpuFirst) if (!wide.has(name)) sizeForCpus(object, name, cpus);
}

function missingOfMap(object: OpenedObject, name: string | undefined, cause: unknown): MeterError | undefined {
  const map = object.layout().maps.find((one) => one.name === name);
  if (map === undefined || libbpfCause(cause)?.code !== 'EINVAL') return undefined;
  const missing = missingOf(map).join(', ');
  if (missing === '') return undefined;
  const remedy = 'Define it in C, such as __uint(max_entries, 1024), __type(key, __u32), __type(value, __u64)';
  return new MeterError('load', `${object.path}: map "${map.name}": EINVAL: it has no ${missing}`, { cause, remedy });
}

function isLack(section: string, error: MeterError): boolean {
  const cause = libbpfCause(error);
  return cause !== undefined && lacksHook(section, cause, readEnvironment());
}

/** What libbpf gave up at, by the last of its messages that names it; undefined where none does. */
function namedIn(error: unknown, pattern: RegExp): string | undefined {
  const names = libbpfCause(error)?.messages.map((message) => pattern.exec(message)?.[1]);
  return names?.findLast((name) => name !== undefined);
}

function explained(
  code: ErrorCode,
  plan: ProgramPlan,
  program: string | undefined,
  section: string | undefined,
  error: unknown,
): MeterError {
  const subject = program === undefined ? plan.name : `${plan.name}: ${program}`;
  if (!(error instanceof MeterError)) return new MeterError(code, `${subject}: ${error}`, { cause: error });
  const cause = libbpfCause(error);
  return cause === undefined ? error : explain(code, subject, section, cause, readEnvironment(), error.remedy);
}

/**
 * A metric is lost when a BPF program that it names has failed, or all that it counts by one of have; one that names none,
 * when nothing is attached: many such objects hold several hooks of which a kernel has one.
 */
function lostMetrics(plan: ProgramPlan, attached: readonly AttachedProgram[]): string[] {
  const failed = new Set(attached.filter(({ state }) => state === 'failed').map(({ bpfProgram }) => bpfProgram));
  const nothing = failed.size > 0 && attached.every(({ state }) => state !== 'attached');
  return [...plan.needs]
    .filter(([, { programs, any }]) => {
      if (programs === undefined && any.length === 0) return nothing;
      return programs?.some((name) => failed.has(name)) || (any.length > 0 && any.every((name) => failed.has(name)));
    })
    .map(([metric]) => metric);
}

/** A time as OpenTelemetry has it. */
export function hrTime(milliseconds: number): HrTime {
  return [Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1e6];
}
