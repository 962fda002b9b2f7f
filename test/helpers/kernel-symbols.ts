import { readFileSync } from 'node:fs';

/** Kernels without CONFIG_KALLSYMS_ALL, as those of some micro-VMs, tell where functions are, and not variables. */
export const noVariables = !/ (irq_stat|pcpu_hot|__softirq_pending)$/m.test(readFileSync('/proc/kallsyms', 'latin1'));
