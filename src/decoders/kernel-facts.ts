/** What decoders ask of the running kernel; src/kernel answers, tests answer with tables. */
export interface KernelFacts {
  /** Name of the kernel function or object at exactly this address, `name\t[module]` for a module's; undefined: not there. */
  symbol(address: bigint): string | undefined;
  /** Name of the kernel function that this address is in, `name\t[module]` for a module's; undefined: in none that is known. */
  functionAround(address: bigint): string | undefined;
  /** Name of a reason to drop a packet on this kernel: TCP_LISTEN_OVERFLOW. */
  dropReason(number: number): string | undefined;
  /** Name under /sys/dev/block: sda, nvme0n1p1. */
  blockDevice(major: number, minor: number): string | undefined;
  networkInterface(index: number): string | undefined;
  /** Path of a cgroup's folder, /sys/fs/cgroup/system.slice, also of one that is gone; undefined: never seen. */
  cgroup(id: bigint): string | undefined;
  /** Name of a system call of this machine's architecture. */
  syscall(number: number): string | undefined;
  /** ENOENT for 2. */
  errno(number: number): string | undefined;
  /** Undefined where the machine has no list of them. */
  pci(): PciNames | undefined;
  /** How often a network interface or a cgroup that was asked for has got another name; absent: none does. */
  nameChanges?(): number;
}

/** Names of PCI vendors, devices and classes by number; undefined: unknown. */
export interface PciNames {
  vendor(number: number): string | undefined;
  device(vendor: number, device: number): string | undefined;
  class(number: number): string | undefined;
  subclass(number: number, subclass: number): string | undefined;
}
