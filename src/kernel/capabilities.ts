import { readFileSync } from 'node:fs';

/** Bit numbers. Source: include/uapi/linux/capability.h. */
const bits = {
  CAP_DAC_READ_SEARCH: 2,
  CAP_NET_ADMIN: 12,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_SYSLOG: 34,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof bits;

/** The capabilities in the `CapEff` line of a /proc/PID/status; those that BPF never asks for are left out. */
export function parseCapabilities(status: string): ReadonlySet<Capability> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const names = Object.keys(bits) as Capability[];
  return new Set(names.filter((name) => ((mask >> BigInt(bits[name])) & 1n) === 1n));
}

/** This process's effective capabilities (proc(5)); empty where /proc is not mounted. */
export function effectiveCapabilities(): ReadonlySet<Capability> {
  try {
    return parseCapabilities(readFileSync('/proc/self/status', 'utf8'));
  } catch {
    return new Set();
  }
}

/**
 * Which of the wanted capabilities are missing. CAP_SYS_ADMIN stands in for CAP_BPF and CAP_PERFMON,
 * which were split off from it in Linux 5.8 (commits a17b53c4a4b5, 980737282232), and for no other.
 */
export function missingCapabilities(
  wanted: readonly Capability[],
  effective: ReadonlySet<Capability> = effectiveCapabilities(),
): Capability[] {
  const admin = effective.has('CAP_SYS_ADMIN');
  return wanted.filter((name) => !effective.has(name) && !(admin && (name === 'CAP_BPF' || name === 'CAP_PERFMON')));
}
