import { MeterError } from '../../errors.ts';
import type { KernelFunction } from '../../kernel/traceable-functions.ts';
import {
  attachProbe,
  attachProbes,
  type FunctionPlace,
  type ProbeLink,
  type ProbePlace,
} from '../../libbpf/attach/function-probe.ts';
import type { AttachTarget } from '../../libbpf/attach/kind.ts';
import { libbpfCause } from '../../libbpf/error.ts';
import type { LoadedObject } from '../../libbpf/loaded.ts';
import type { KernelMap } from '../../libbpf/map.ts';
import { OpenedObject } from '../../libbpf/object.ts';
import type { ProgramInfo } from '../../libbpf/stats.ts';
import type { AttachedProgram } from '../running.ts';
import { explained } from './explained.ts';
import type { Named } from './named-reader.ts';
import { genericObject } from './object.ts';

/** Functions to be attached to; a function's index is its slot. */
interface FunctionsRequest {
  readonly map: string;
  readonly functions: readonly KernelFunction[];
  readonly withLatency: boolean;
}

/** Functions that are counted until it is disposed; at least one. */
export interface AttachedFunctions extends Disposable {
  readonly named: readonly Named[];
  readonly attached: readonly AttachedProgram[];
  /** A PERCPU_ARRAY by slot. */
  readonly counts: KernelMap;
  info(name: string): ProgramInfo | undefined;
  /** Calls that weren't counted, as a probe was hit within a probe; 0 before Linux 6.7. */
  missedCalls(): number;
}

const counts = 'function_calls';
const stacks = 'call_stacks';

/** kprobe.multi. Throws MeterError where the kernel has none, or takes none of the functions. */
export function attachMulti(request: FunctionsRequest): AttachedFunctions {
  const { functions, withLatency } = request;
  using attempt = new Attempt(request, 'kprobe.multi');
  const object = attempt.use(load(request, withLatency ? ['enter_multi', 'leave_multi'] : ['enter_multi'], {}));
  // All by name or all by address, since the kernel takes one or the other.
  const named = functions.some(({ addresses }) => addresses.length === 0);
  const places = functions.flatMap(({ name, addresses }, slot) =>
    (named ? [name] : addresses).map((place) => ({ place, slot })),
  );
  attempt.attachSome(object.target('enter_multi'), places, false);
  if (withLatency) {
    const entered = places.filter(({ slot }) => !attempt.failures.has(slot));
    attempt.attachSome(object.target('leave_multi'), entered, true);
  }
  attempt.programs.set(`${request.map}:calls`, { object, program: 'enter_multi' });
  if (withLatency) attempt.programs.set(`${request.map}:returns`, { object, program: 'leave_multi' });
  return attempt.finish(object.map(counts));
}

/** A kprobe for each, told apart by cookies. Throws MeterError where the kernel has none (before Linux 5.15). */
export function attachSingles(request: FunctionsRequest): AttachedFunctions {
  const { functions, withLatency } = request;
  using attempt = new Attempt(request, 'kprobe');
  const object = attempt.use(load(request, withLatency ? ['enter_single', 'leave_single'] : ['enter_single'], {}));
  for (const [slot, one] of functions.entries()) {
    attempt.attempt(slot, (stack) => attachOne(stack, attempt, object, one, withLatency, slot));
  }
  attempt.programs.set(`${request.map}:calls`, { object, program: 'enter_single' });
  if (withLatency) attempt.programs.set(`${request.map}:returns`, { object, program: 'leave_single' });
  return attempt.finish(object.map(counts));
}

/** A kprobe for each, with programs of its own. Throws MeterError where the kernel takes none of the functions. */
export function attachCopies(request: FunctionsRequest): AttachedFunctions {
  const { functions, withLatency, map } = request;
  using attempt = new Attempt(request, 'kprobe');
  const base = attempt.use(load(request, [], {}));
  const shared = [base.map(counts), base.map(stacks)];
  for (const [slot, one] of functions.entries()) {
    attempt.attempt(slot, (stack) => {
      const programs = withLatency ? ['enter_single', 'leave_single'] : ['enter_single'];
      const object = stack.use(load(request, programs, { by_cookie: 0, only_slot: slot }, shared));
      attachOne(stack, attempt, object, one, withLatency, undefined);
      attempt.programs.set(`${map}:${one.name}`, { object, program: 'enter_single' });
      if (withLatency) attempt.programs.set(`${map}:${one.name}:return`, { object, program: 'leave_single' });
    });
  }
  return attempt.finish(base.map(counts));
}

interface Place {
  readonly place: FunctionPlace;
  readonly slot: number;
}

interface Loaded {
  readonly object: LoadedObject;
  readonly program: string;
}

/** What has been attached so far; all of it is detached again unless it is finished. */
class Attempt implements Disposable {
  readonly failures = new Map<number, MeterError>();
  /** By their names in the log. */
  readonly programs = new Map<string, Loaded>();
  readonly #request: FunctionsRequest;
  readonly #section: string;
  readonly #stack = new DisposableStack();
  readonly #entries: ProbeLink[] = [];

  constructor(request: FunctionsRequest, section: string) {
    this.#request = request;
    this.#section = section;
  }

  use<T extends Disposable>(resource: T): T {
    return this.#stack.use(resource);
  }

  /** Links at functions' beginnings, which know the calls that were missed. */
  entered(link: ProbeLink): void {
    this.#entries.push(link);
  }

  /** One function, none of which stays where any of it fails. */
  attempt(slot: number, work: (stack: DisposableStack) => void): void {
    using stack = new DisposableStack();
    try {
      work(stack);
    } catch (error) {
      if (!(error instanceof MeterError)) throw error;
      this.failures.set(slot, error);
      return;
    }
    this.#stack.use(stack.move());
  }

  /** All at once, or, where the kernel refuses some, those that it takes: found by halving. */
  attachSome(target: AttachTarget, places: readonly Place[], onReturn: boolean): void {
    if (places.length === 0) return;
    try {
      const link = attachProbes(
        target,
        places.map(({ place }) => place),
        onReturn,
        places.map(({ slot }) => slot),
      );
      this.#stack.use(link);
      if (!onReturn) this.#entries.push(link);
    } catch (error) {
      if (!(error instanceof MeterError) || isMultiMissing(error)) throw error;
      if (places.length === 1) {
        this.failures.set(places[0]!.slot, error);
        return;
      }
      const middle = places.length >> 1;
      this.attachSome(target, places.slice(0, middle), onReturn);
      this.attachSome(target, places.slice(middle), onReturn);
    }
  }

  finish(map: KernelMap): AttachedFunctions {
    const { functions, map: name } = this.#request;
    const [failure] = this.failures.values();
    if (this.failures.size === functions.length) throw failure!;
    const failed = [...this.failures].map(([slot, error]): AttachedProgram => {
      const bpfProgram = `${name}:${functions[slot]!.name}`;
      const section = `${this.#section}/${functions[slot]!.name}`;
      return { bpfProgram, section, state: 'failed', error: explained(bpfProgram, section, error) };
    });
    const attached = [...this.programs.keys()].map((bpfProgram): AttachedProgram => {
      return { bpfProgram, section: this.#section, state: 'attached', error: undefined };
    });
    const { programs } = this;
    const entries = this.#entries;
    const stack = this.#stack.move();
    return {
      named: functions.map((one, slot) => ({ name: one.name, slot })).filter(({ slot }) => !this.failures.has(slot)),
      attached: [...attached, ...failed],
      counts: map,
      info: (wanted) => {
        const loaded = programs.get(wanted);
        return loaded?.object.programInfo(loaded.program);
      },
      missedCalls: () => entries.reduce((sum, link) => sum + link.missed(), 0),
      [Symbol.dispose]: () => stack.dispose(),
    };
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

/** Entries first, so that every return that is seen belongs to a call that was. */
function attachOne(
  stack: DisposableStack,
  attempt: Attempt,
  object: LoadedObject,
  { name, addresses }: KernelFunction,
  withLatency: boolean,
  cookie: number | undefined,
): void {
  const places =
    addresses.length > 1 ? addresses.map((address) => ({ name: undefined, offset: address })) : [{ name, offset: 0n }];
  const attach = (program: string, place: Pick<ProbePlace, 'name' | 'offset'>, onReturn: boolean) =>
    stack.use(attachProbe(object.target(program), { ...place, onReturn, cookie }));
  for (const place of places) {
    attempt.entered(attach('enter_single', place, false));
    if (withLatency) attach('leave_single', place, true);
  }
}

/** `shared`: maps of another object in place of its own. */
function load(
  { functions, withLatency }: FunctionsRequest,
  programs: readonly string[],
  constants: Readonly<Record<string, number>>,
  shared: readonly KernelMap[] = [],
): LoadedObject {
  using opened = OpenedObject.open(genericObject('functions'));
  for (const program of programs) opened.setAutoload(program, true);
  const all = { with_latency: withLatency ? 1 : 0, on_arm64: process.arch === 'arm64' ? 1 : 0, ...constants };
  for (const [name, value] of Object.entries(all)) opened.setConstant(name, value);
  for (const map of shared) opened.reuseMap(map.name, map.fd);
  if (shared.length === 0) {
    opened.setMaxEntries(counts, functions.length);
    if (!withLatency) opened.setMaxEntries(stacks, 1);
  }
  return opened.load();
}

/** The kernel was built without fprobe, which it says whatever the functions are. */
function isMultiMissing(error: MeterError): boolean {
  const code = libbpfCause(error)?.code;
  return code === 'EOPNOTSUPP' || code === 'ENOTSUPP';
}
