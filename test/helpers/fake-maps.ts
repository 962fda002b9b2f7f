import type {
  FieldPlan,
  HistogramMetricPlan,
  LabelPlan,
  MetricPlan,
  NumberMetricPlan,
  ProgramPlan,
  TablePlan,
} from '../../src/config/plan.ts';
import type { KernelFacts } from '../../src/decoders/kernel-facts.ts';
import { MeterError } from '../../src/errors.ts';
import type { Entries, EntriesReader, MapReaders, MemoryReader } from '../../src/maps/reading.ts';

/** A kernel that knows nothing. */
export const NO_FACTS: KernelFacts = {
  symbol: () => undefined,
  functionAround: () => undefined,
  dropReason: () => undefined,
  blockDevice: () => undefined,
  networkInterface: () => undefined,
  cgroup: () => undefined,
  syscall: () => undefined,
  errno: () => undefined,
  pci: () => undefined,
};

/** A map with keys in memory: hex key → values, one per CPU. */
export class FakeMap implements EntriesReader {
  readonly map: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly valueStride: number;
  readonly cpus: number;
  cpuNumbers: readonly number[];
  maxEntries = 1000;
  dropsWhenFull = true;
  evicts = false;
  readonly content = new Map<string, Buffer>();
  failure: Error | undefined;
  reads = 0;

  constructor(map: string, keySize: number, valueSize: number, cpus = 1) {
    this.map = map;
    this.keySize = keySize;
    this.valueSize = valueSize;
    this.valueStride = valueSize * cpus;
    this.cpus = cpus;
    this.cpuNumbers = Array.from({ length: cpus }, (_, cpu) => cpu);
  }

  /** Sets the entry of a key (u32 parts) to u64 numbers, those of all CPUs one after the other. */
  set(key: readonly number[], numbers: readonly (number | bigint)[]): void {
    this.content.set(u32s(key).toString('hex'), u64s(numbers));
  }

  delete(key: readonly number[]): void {
    this.content.delete(u32s(key).toString('hex'));
  }

  remove(key: Uint8Array): void {
    this.content.delete(Buffer.from(key).toString('hex'));
  }

  read(): Entries {
    this.reads++;
    if (this.failure) throw this.failure;
    const keys = Buffer.concat([...this.content.keys()].map((key) => Buffer.from(key, 'hex')));
    return { count: this.content.size, keys, values: aligned(Buffer.concat([...this.content.values()])) };
  }
}

export class FakeMemory implements MemoryReader {
  readonly map: string;
  readonly bytes: Buffer;
  failure: Error | undefined;

  constructor(map: string, size: number) {
    this.map = map;
    this.bytes = aligned(Buffer.alloc(size));
  }

  get size(): number {
    return this.bytes.length;
  }

  read(): Uint8Array {
    if (this.failure) throw this.failure;
    return this.bytes;
  }

  clear(start: number, bytes: number): void {
    this.bytes.fill(0, start, start + bytes);
  }
}

export function fakeReaders(maps: readonly (FakeMap | FakeMemory)[], cpus = 2): MapReaders {
  const find = (name: string) => {
    const map = maps.find((candidate) => candidate.map === name);
    if (map === undefined) throw new MeterError('map', `${name}: no such map`);
    return map;
  };
  return { cpus, entries: (name) => find(name) as FakeMap, memory: (name) => find(name) as FakeMemory };
}

/** A little-endian u32 each. */
export function u32s(numbers: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(numbers).buffer);
}

function u64s(numbers: readonly (number | bigint)[]): Buffer {
  return Buffer.from(BigUint64Array.from(numbers, (number) => BigInt.asUintN(64, BigInt(number))).buffer);
}

function aligned(bytes: Buffer): Buffer {
  const copy = Buffer.from(new ArrayBuffer(bytes.length));
  bytes.copy(copy);
  return copy;
}

export function uintLabel(name: string, offset: number, size = 4): LabelPlan {
  return { name, offset, size, decoders: [{ name: 'uint' }] };
}

export function u64Field(count: number, offset = 0, cell = 0): FieldPlan {
  return { offset, type: 'u64', count, cell };
}

export function counter(name: string, options: Partial<NumberMetricPlan> = {}): NumberMetricPlan {
  const scale = { multiplier: 1, divisor: 1 };
  return { kind: 'counter', name, help: `Help of ${name}`, unit: '', cell: 0, scale, ...options };
}

/** Slots of 1, 2, 4 … microseconds and one for what is above; then the sum, in microseconds. */
export function histogram(
  name: string,
  bounds: number,
  options: Partial<HistogramMetricPlan> = {},
): HistogramMetricPlan {
  const values = Array.from({ length: bounds }, (_, slot) => 2 ** slot / 1e6);
  return {
    kind: 'histogram',
    name,
    help: `Help of ${name}`,
    unit: 's',
    cell: 0,
    bounds: values,
    le: values.map((value) => value.toExponential().replace(/e-(\d)$/, 'e-0$1')),
    slots: bounds + 1,
    sum: { cell: bounds + 1, scale: { multiplier: 1, divisor: 1e6 } },
    powersOfTwo: true,
    ...options,
  };
}

/** A table that reads the map `name` by keys of u32 labels. */
export function tablePlan(
  name: string,
  labels: readonly string[],
  width: number,
  metrics: readonly MetricPlan[],
): TablePlan {
  return {
    name,
    source: { kind: 'entries', map: name, perCpu: 'no', cache: undefined },
    keySize: labels.length * 4,
    labels: labels.map((label, index) => uintLabel(label, index * 4)),
    bucketKey: undefined,
    width,
    fields: [u64Field(width)],
    metrics,
  };
}

export function programPlan(name: string, tables: readonly TablePlan[]): ProgramPlan {
  return {
    name,
    description: '',
    expensive: false,
    file: `${name}.yaml`,
    object: `${name}.bpf.o`,
    tables,
    sources: [],
    constants: new Map(),
    hooks: [],
    skip: new Set(),
    skipMaps: new Set(),
    needs: new Map(),
    perCpuFirst: [],
    filled: [],
    interfaces: [],
  };
}
