// What /proc, /sys and the like tell of the machine: symbols, devices, CPUs, cgroups, capabilities, hooks. May be
// imported by `libbpf`, `maps`, `programs`, `exporter` and `cli`.

import type { KernelFacts } from '../decoders/kernel-facts.ts';
import type { MeterError } from '../errors.ts';
import { createBlockDevices } from './block-devices.ts';
import { type Cgroups, createCgroups } from './cgroups.ts';
import { createDropReasons } from './drop-reasons.ts';
import { errnoNames } from './errnos.ts';
import { exporterErrnoNames, exporterSyscallNames } from './exporter-names.ts';
import { createInterfaces } from './interfaces.ts';
import { createPciNames } from './pci-ids.ts';
import { createSymbols } from './symbols.ts';
import { syscallNames } from './syscalls.ts';

interface KernelFactsOptions {
  /** Put in front of /proc and /sys: the host's in a container, a folder of files in tests; '' unless set. */
  readonly root?: string;
  /** As in process.arch, which it is unless set. */
  readonly arch?: string;
  /** A clock in milliseconds that never goes back; performance.now unless set. */
  readonly now?: () => number;
  /** Called with what keeps facts from being known, once each. */
  readonly warn?: (warning: MeterError) => void;
  /** Those of this machine, found by looking, unless set. */
  readonly cgroups?: Cgroups | undefined;
  /** Whose names system calls and errnos have; the kernel's unless set. */
  readonly names?: 'kernel' | 'ebpf_exporter';
  /** Called after the symbols' megabytes were given back. */
  readonly forgotten?: () => void;
}

/** What the running kernel says of itself, for the decoders. Nothing is read before it is asked for, and nothing throws. */
export function createKernelFacts(options: KernelFactsOptions = {}): KernelFacts {
  const { root = '', arch = process.arch, now = () => performance.now() } = options;
  const { warn = () => {}, forgotten = () => {}, names = 'kernel' } = options;
  const { cgroups = createCgroups({ root, now, warn }) } = options;
  const isTheirs = names === 'ebpf_exporter';
  const syscalls = isTheirs ? exporterSyscallNames(syscallNames(arch)) : syscallNames(arch);
  const errnos = isTheirs ? exporterErrnoNames(errnoNames()) : errnoNames();
  const interfaces = createInterfaces(root, now);
  const symbols = createSymbols({ root, now, warn, forgotten });
  return {
    symbol: symbols.at,
    functionAround: symbols.around,
    dropReason: createDropReasons(root),
    blockDevice: createBlockDevices(root),
    networkInterface: (index) => interfaces.name(index),
    cgroup: (id) => cgroups.path(id),
    syscall: (number) => syscalls.get(number),
    errno: (number) => errnos.get(number),
    pci: createPciNames({ root, warn }),
    nameChanges: () => interfaces.changes() + cgroups.changes(),
  };
}
