import { MeterError } from '../errors.ts';
import type { OpenedObject } from '../libbpf/object.ts';

/** The constant by which a program knows how many CPUs its arrays have room for; set by the loader. */
export const cpusConstant = 'nr_cpus';

/** Whether the object asks for the number of CPUs. */
export function hasCpusConstant(object: OpenedObject): boolean {
  const variable = object.layout().variables.find(({ name }) => name === cpusConstant);
  return variable?.section.startsWith('.rodata') ?? false;
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
