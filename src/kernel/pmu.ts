import { readdirSync } from 'node:fs';

/**
 * Whether the kernel has found hardware that counts instructions, cycles and the like: x86's `cpu`, or `cpu_core` and
 * `cpu_atom`; Arm's `armv8_pmuv3_0`. Most virtual machines have none. `root` is put in front of /sys. Never throws.
 */
export function hasPmu(root = ''): boolean {
  try {
    return readdirSync(`${root}/sys/bus/event_source/devices`).some((name) => /^(cpu|cpu_\w+|arm\w+)$/.test(name));
  } catch {
    return false;
  }
}
