import type { MeterError } from '../errors.ts';
import { possibleCpus } from '../kernel/cpus.ts';
import { describe, LibbpfError } from '../libbpf/error.ts';
import type { KernelMap } from '../libbpf/map.ts';

/** How the kernel hands out a map's values. */
export interface Shape {
  /** Bytes of one CPU's value, rounded up to 8 in a per-CPU map (bpf_map_value_size in kernel/bpf/syscall.c). */
  readonly valueSize: number;
  readonly valueStride: number;
  readonly cpus: number;
  readonly cpuNumbers: readonly number[];
}

/** Bytes to the next multiple of 8, as the kernel puts values in per-CPU maps and arrays. */
export function roundUp8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** `numbers`: those of the possible CPUs. */
export function shapeOf(map: KernelMap, numbers: readonly number[] = possibleCpus().numbers): Shape {
  if (!map.type.includes('percpu')) {
    return { valueSize: map.valueSize, valueStride: map.valueSize, cpus: 1, cpuNumbers: [] };
  }
  const valueSize = roundUp8(map.valueSize);
  return { valueSize, valueStride: valueSize * numbers.length, cpus: numbers.length, cpuNumbers: numbers };
}

/** What a system call on a map said; `errno` is positive. */
export function readError(map: KernelMap, call: string, errno: number): MeterError {
  return describe('map', `map ${map.name}`, new LibbpfError(call, errno, []));
}
