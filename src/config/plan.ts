// The configuration, without the machine: what NAME.yaml and its object say becomes a plan (this file), what the
// operator says an ExporterConfig (exporter/). May be imported by `programs`, `metrics`, `readers`, `exporter` and
// `cli`; for types by `maps`.

import type { DecoderPlan } from '../decoders/plan.ts';
import type { Position } from './yaml/diagnostic.ts';

/**
 * What one program exports and how it is read: the validated result of NAME.yaml against the layout of NAME.bpf.o.
 * Plain data: made by src/config, used by src/programs (what to load), src/maps (what to read), src/metrics (what it means).
 */
export interface ProgramPlan {
  /** The pair's name: `block` for block.yaml + block.bpf.o. */
  readonly name: string;
  readonly description: string;
  readonly expensive: boolean;
  /** Paths of the pair; a program all of whose maps are `sources` has no object. */
  readonly file: string;
  readonly object: string | undefined;
  readonly tables: readonly TablePlan[];
  /** Maps that no object of the program has, as far as enabled metrics read them. */
  readonly sources: readonly SourceWithoutC[];
  /** Values of .rodata variables, set before load. */
  readonly constants: ReadonlyMap<string, number | bigint>;
  /** Hooks with ways in, of which the loader takes the first that the kernel takes; those that enabled metrics need. */
  readonly hooks: readonly HookPlan[];
  /** BPF programs (C functions) that are not loaded, unless as part of a way that is taken. */
  readonly skip: ReadonlySet<string>;
  /** BPF maps that no enabled metric needs and that are therefore not created. */
  readonly skipMaps: ReadonlySet<string>;
  /** By enabled metric, the namespace included. */
  readonly needs: ReadonlyMap<string, NeedsPlan>;
  /** ARRAY maps and global arrays whose first index is the CPU: sized to the possible CPUs before load. */
  readonly perCpuFirst: readonly string[];
  /** Maps that an iterator fills for each reading. */
  readonly filled: readonly FilledMapPlan[];
  /** By .rodata variable, the kernel's symbol whose address it is given before load; absent: none. */
  readonly addresses?: ReadonlyMap<string, string>;
  /** Absent: there is no such map. */
  readonly cgroupIds?: CgroupIdsPlan;
  /** Maps of the type PERF_EVENT_ARRAY whose records are counted; absent: none. */
  readonly perfArrays?: readonly PerfArrayPlan[];
  /** Maps of the type RINGBUF that are emptied, since what is written into them isn't exported; absent: none. */
  readonly discarded?: readonly string[];
  /** Names of the network interfaces that BPF programs of the section `xdp` are attached to. */
  readonly interfaces: readonly string[];
}

/** A BPF map in which the exporter keeps which cgroups there are, as far as their paths match. */
export interface CgroupIdsPlan {
  readonly map: string;
  /** `hash`: ids are keys, with the value 1; `cgrp_storage`: the cgroup's own storage has the value 1. */
  readonly type: 'hash' | 'cgrp_storage';
  /** RE2; one that matches somewhere in the path is enough. */
  readonly regexps: readonly string[];
}

/** A counter of records that a BPF program writes with bpf_perf_event_output. */
export interface PerfArrayPlan {
  readonly map: string;
  /** Bytes of the labels; a record may have more behind them. */
  readonly recordBytes: number;
  /** The same, or 4 where there are no labels. */
  readonly keySize: number;
  /** Keys that are remembered at most. */
  readonly limit: number;
  /** Milliseconds after which all counts are thrown away, again and again; absent: never. */
  readonly flushMs?: number;
}

/** A map, or a data section such as `.bss`, that a BPF program of a section `iter/…` fills when it is run. */
export interface FilledMapPlan {
  readonly map: string;
  readonly program: string;
  /** Whether its keys are removed before. */
  readonly emptied: boolean;
}

export interface HookPlan {
  readonly name: string;
  /** In the order in which they are tried; at least one. */
  readonly ways: readonly WayPlan[];
}

export interface WayPlan {
  readonly name: string;
  /** BPF programs, all of which have to load and attach; a BPF program may be in several ways. */
  readonly programs: readonly string[];
  /** Values of .rodata variables, set when this way is taken. */
  readonly constants: ReadonlyMap<string, number | bigint>;
  /** BPF maps that only ways use which name them: created when one of those is taken. */
  readonly maps: readonly string[];
}

/** What a metric counts by: BPF programs and hooks, by name. */
export interface NeedsPlan {
  /** All of these; undefined: every one that there is. */
  readonly programs: readonly string[] | undefined;
  /** At least one of these, where there are any. */
  readonly any: readonly string[];
}

/** Rows of one map (or of one part of its value) that share their labels. */
export interface TablePlan {
  /** The map's name in messages and in the health metrics. */
  readonly name: string;
  readonly source: SourcePlan;
  /** Bytes of a key as the labels see it; for an indexed source 4 bytes (u32) per dimension that is not the CPU. */
  readonly keySize: number;
  /** In the order of the key. A per-CPU map that exports one series per CPU has the CPU as a u16 behind the key. */
  readonly labels: readonly LabelPlan[];
  /** Set where the last part of the key is the histogram's bucket (ebpf_exporter's layout). */
  readonly bucketKey: BucketKeyPlan | undefined;
  /** Numbers per row. With bucketKey: the buckets in order, then the sum. */
  readonly width: number;
  /** Where in an entry's value the numbers are. With bucketKey: one field of count 1, whose cell is unused. */
  readonly fields: readonly FieldPlan[];
  readonly metrics: readonly MetricPlan[];
  /** Labels that a view leaves out: keys that they can't be decoded from are left out all the same. */
  readonly hidden?: readonly LabelPlan[];
  /** Series at most, as a view says; absent: as the readers do. */
  readonly limit?: number;
}

/** A map without C: src/programs/without-c counts what `counts` says, and gives its entries by the map's name. */
export interface SourceWithoutC {
  readonly map: string;
  readonly counts: CountSpec;
  /** The enabled metrics that read it. */
  readonly metrics: readonly SourceMetric[];
}

interface SourceMetric {
  /** Its full name. */
  readonly name: string;
  /** The member of the map's value, or a path from it; undefined: the value as a whole. */
  readonly field: string | undefined;
}

export type CountSpec = PerfEventsSpec | FunctionsSpec | TracepointsSpec;

/** Functions of the kernel; the map's value is struct function_calls of programs/generic/functions.bpf.c. */
export interface FunctionsSpec {
  readonly kind: 'functions';
  readonly patterns: readonly PatternPlan[];
  /** More functions than this are an error. */
  readonly limit: number;
}

/** Tracepoints of the kernel; the map's value is a u64, the number of events. */
export interface TracepointsSpec {
  readonly kind: 'tracepoints';
  readonly patterns: readonly PatternPlan[];
  /** More tracepoints than this are an error. */
  readonly limit: number;
}

/** A glob with `*`, `?` and `[...]`, whose brackets are closed. */
export interface PatternPlan {
  readonly text: string;
  /** Whether it leaves out what it matches; the `!` isn't in the text. */
  readonly excludes: boolean;
  readonly at: Position;
}

/** Perf events of one group, which are counted at the same times. */
export interface PerfEventsSpec {
  readonly kind: 'perf_events';
  /** What the counts are told apart by: the key of the map. */
  readonly by: 'cpu' | 'process.name' | 'cgroup';
  /** In the order of the map's value, a u64 each. */
  readonly events: readonly PerfEventPlan[];
  /** Names or cgroups at most; what further ones count is lost. */
  readonly limit: number;
}

export interface PerfEventPlan {
  /** As it is written: `instructions`, `sched:sched_switch`. */
  readonly name: string;
  /** What the kernel is asked for; what only the machine knows is looked up where it is opened. */
  readonly event: PerfEventCode | PerfTracepoint | PmuEvent;
  /** Whose part is left out; undefined: none. */
  readonly excludes: 'user' | 'kernel' | undefined;
}

/** `type` and `config` of perf_event_open(2). */
export interface PerfEventCode {
  readonly kind: 'code';
  readonly type: number;
  readonly config: bigint;
}

interface PerfTracepoint {
  readonly kind: 'tracepoint';
  readonly category: string;
  readonly name: string;
}

/** An event of a unit in /sys/bus/event_source/devices: `cpu/event=0x3c,umask=0/`. */
export interface PmuEvent {
  readonly kind: 'pmu';
  readonly unit: string;
  /** By the names in the unit's `format` folder. */
  readonly terms: ReadonlyMap<string, bigint>;
}

export type SourcePlan = EntriesSource | IndexedSource;

/** A map with keys: HASH, LRU_HASH, their PERCPU forms, and ARRAY forms whose index is a label. */
export interface EntriesSource {
  readonly kind: 'entries';
  readonly map: string;
  /** What becomes of the CPUs' values: there is one value; they are summed; they are series of their own. */
  readonly perCpu: 'no' | 'sum' | 'label';
  /** A table in memory, in front of the map, whose entries count too: the program's own per-CPU cache. */
  readonly cache: CachePlan | undefined;
  /** Set where keys are removed some time after the cgroup is gone whose id they hold. */
  readonly expire?: ExpirePlan;
}

export interface ExpirePlan {
  /** Bytes from the start of a key to the cgroup's id, a u64. */
  readonly offset: number;
}

/** Elements of a fixed array, found by index: an mmapable ARRAY map or a global array. */
export interface IndexedSource {
  readonly kind: 'indexed';
  readonly memory: MemoryPlan;
  /** Outermost first. The CPU's dimension is summed over; the others are u32 key parts, in this order. */
  readonly dimensions: readonly DimensionPlan[];
  /** Whether elements that are all zero are series too. */
  readonly zeros: boolean;
}

/** A cache in memory: elements {key, value}; an element whose key is all zero bytes is empty. */
export interface CachePlan {
  readonly memory: MemoryPlan;
  readonly dimensions: readonly DimensionPlan[];
  /** Bytes from the element's start. */
  readonly keyOffset: number;
  readonly valueOffset: number;
}

interface MemoryPlan {
  /** BPF map: an ARRAY (read by mmap where it is mmapable, else by lookups), or a data section such as `.bss`. */
  readonly map: string;
  /** Bytes from the start of the map's memory to the first element. */
  readonly offset: number;
}

export interface DimensionPlan {
  readonly name: string;
  /** True: this index is the CPU. Its count is then the number of possible CPUs, known when the program is loaded. */
  readonly cpu: boolean;
  readonly count: number;
  /** Bytes between two elements of this dimension. */
  readonly stride: number;
}

export type NumberType = 'u8' | 'u16' | 'u32' | 'u64' | 'i8' | 'i16' | 'i32' | 'i64';

export interface FieldPlan {
  /** Bytes from the start of the value (or of the indexed element). */
  readonly offset: number;
  readonly type: NumberType;
  /** Consecutive numbers. */
  readonly count: number;
  /** Column of the first. */
  readonly cell: number;
}

export interface LabelPlan {
  /** The attribute's name, as OpenTelemetry has it. */
  readonly name: string;
  /** Bytes in the key. */
  readonly offset: number;
  readonly size: number;
  readonly decoders: readonly DecoderPlan[];
}

/** The bucket in the key: decoded to text, read as an unsigned number, looked up here. */
export interface BucketKeyPlan {
  readonly label: LabelPlan;
  /** Bucket number → column; the sum's key is among them, with the last column. Numbers that are not here are counted as errors. */
  readonly columns: ReadonlyMap<number, number>;
}

export type MetricPlan = NumberMetricPlan | HistogramMetricPlan;

interface MetricBase {
  /** As OpenTelemetry has it, the namespace included: `ebpf.block.io.latency`. */
  readonly name: string;
  readonly help: string;
  /** UCUM, or '' where none is given. */
  readonly unit: string;
}

/** raw × multiplier ÷ divisor gives the value in the metric's unit; one of the two is 1. */
export interface Scale {
  readonly multiplier: number;
  readonly divisor: number;
}

export interface NumberMetricPlan extends MetricBase {
  readonly kind: 'counter' | 'gauge';
  readonly cell: number;
  readonly scale: Scale;
}

export interface HistogramMetricPlan extends MetricBase {
  readonly kind: 'histogram';
  /** Column of the first slot; the slots are consecutive, not cumulated. */
  readonly cell: number;
  /** Finite inclusive upper bounds in the metric's unit, ascending. */
  readonly bounds: readonly number[];
  /** The bounds as Go's client writes them in `le`. */
  readonly le: readonly string[];
  /** bounds.length + 1 where the layout has a slot for what is above the last bound, else bounds.length. */
  readonly slots: number;
  /** Undefined: the program keeps no sum. */
  readonly sum: { readonly cell: number; readonly scale: Scale } | undefined;
  /** True: slot i is (2^(i-1), 2^i] times a constant, so it is an exponential histogram of scale 0 exactly. */
  readonly powersOfTwo: boolean;
  /** What a view asks for; absent: what the reader prefers. */
  readonly aggregation?: 'explicit' | 'exponential';
}
