import { MeterError } from '../errors.ts';
import type { OpenedObject } from '../libbpf/object.ts';

/** The constant by which a program knows how many CPUs its arrays have room for; set by the loader. */
export const cpusConstant = 'nr_cpus';

/** The constant by which a program is told that each of its tables by CPU is one element, and of how many CPUs. */
const wideConstant = 'wide_cpus';

/** Kernels before 6.10 or so refuse larger elements of an ARRAY (KMALLOC_MAX_SIZE in kernel/bpf/arraymap.c). */
const largestElement = 4 << 20;

/** Whether the object asks for the number of CPUs. */
export function hasCpusConstant(object: OpenedObject): boolean {
  const variable = object.layout().variables.find(({ name }) => name === cpusConstant);
  return variable?.section.startsWith('.rodata') ?? false;
}

/**
 * Makes one element of every mmapable ARRAY that has one, long enough for `cpus` of what it was compiled with, where the
 * object can do with that (programs/include/percpu.bpf.h) and all are small enough. In memory it is the same as that many elements.
 * Returns their names; none where that isn't so. Maps that aren't made are `skipped`.
 * Throws MeterError('load') without the right to make maps.
 */
export function widenTables(object: OpenedObject, skipped: ReadonlySet<string>, cpus: number): ReadonlySet<string> {
  const { maps, variables } = object.layout();
  if (!variables.some(({ name, section }) => name === wideConstant && section.startsWith('.rodata'))) return new Set();
  const tables = maps.filter(({ name, mmapable, maxEntries }) => mmapable && maxEntries === 1 && !skipped.has(name));
  if (tables.some(({ valueSize }) => valueSize * cpus > largestElement)) return new Set();
  for (const { name, valueSize } of tables) object.resizeElement(name, valueSize * cpus);
  object.setConstant(wideConstant, cpus);
  return new Set(tables.map(({ name }) => name));
}

/**
 * Gives an ARRAY map or a global array whose first index is the CPU room for `cpus` of them.
 * A global array is resized where it has its data section to itself and the program compares the CPU with `nr_cpus`,
 * which the verifier needs; any other must have been compiled long enough.
 * Throws MeterError('load') where it wasn't, MeterError('config') where there is no such array.
 */
export function sizeForCpus(object: OpenedObject, name: string, cpus: number): void {
  const { maps, variables, path } = object.layout();
  if (maps.some((map) => map.name === name)) {
    object.setMaxEntries(name, cpus);
    return;
  }
  const variable = variables.find((candidate) => candidate.name === name);
  if (variable?.type.kind !== 'array') {
    throw new MeterError('config', `${path}: "${name}" is no array, so its first index can't be the CPU`);
  }
  const { length, size } = variable.type;
  if (length === cpus) return;
  const alone = variables.filter(({ section }) => section === variable.section).length === 1;
  if (alone && hasCpusConstant(object)) {
    object.resizeSection(variable.section, (size / length) * cpus);
  } else if (length < cpus) {
    const remedy = `Compile it longer, or give it a data section of its own and compare the CPU with \`const volatile u32 ${cpusConstant}\``;
    const message = `${path}: "${name}" has a length of ${length}, and this machine may have ${cpus} CPUs`;
    throw new MeterError('load', message, { remedy });
  }
}
