import { release } from 'node:os';
import { isKernelBefore } from '../kernel/release.ts';
import type { OpenedObject } from '../libbpf/object.ts';

/** The constant by which a program knows whether what it adds to a number may be interrupted by itself (programs/include/add.bpf.h). */
const nestingConstant = 'may_nest';

/**
 * Whether a kernel, by its release as uname(2) gives it, may run a tracepoint's program in an interrupt on a CPU that runs the
 * same program already: before Linux 6.1, whose commit 05b24ff9b2cf made that a miss. Of a release that isn't
 * understood it is taken to.
 */
export function mayNest(kernel: string): boolean {
  return !/^\d+\.\d+/.test(kernel) || isKernelBefore(kernel, 6, 1);
}

/** Tells an object that asks whether this kernel does so. Throws MeterError('config') where the constant is no number. */
export function tellNesting(object: OpenedObject): void {
  const variable = object.layout().variables.find(({ name }) => name === nestingConstant);
  if (variable?.section.startsWith('.rodata')) object.setConstant(nestingConstant, mayNest(release()) ? 1 : 0);
}
