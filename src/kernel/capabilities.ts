import { readFileSync } from 'node:fs';
import { type Capability, capabilityNames } from '../capability-names.ts';

/** As the kernel has them: bit n is capability n. */
export function capabilityMask(capabilities: Iterable<Capability>): bigint {
  let mask = 0n;
  for (const name of capabilities) mask |= 1n << BigInt(capabilityNames.indexOf(name));
  return mask;
}

/** The capabilities in the `CapEff` line of a /proc/PID/status, or in another one of its kind, such as `CapPrm`. */
export function parseCapabilities(status: string, line: 'CapEff' | 'CapPrm' = 'CapEff'): ReadonlySet<Capability> {
  const mask = BigInt(`0x${new RegExp(`^${line}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
  return new Set(capabilityNames.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n));
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
export function missingCapabilities(wanted: readonly Capability[], effective: ReadonlySet<Capability>): Capability[] {
  const admin = effective.has('CAP_SYS_ADMIN');
  return wanted.filter((name) => !effective.has(name) && !(admin && (name === 'CAP_BPF' || name === 'CAP_PERFMON')));
}
