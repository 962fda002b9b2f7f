import type { KernelFacts } from '../../src/decoders/kernel-facts.ts';

/** A kernel of tables, for decoders under test. */
export const kernelTable: KernelFacts = {
  symbol: (address) =>
    new Map([
      [0xffffffff81377d40n, 'vfs_read'],
      [0xffffffffc0201000n, 'nf_hook\t[nf_tables]'],
    ]).get(address),
  functionAround: (address) =>
    address >= 0xffffffff81377d40n && address < 0xffffffff81377e00n ? 'vfs_read' : undefined,
  dropReason: (number) => (number === 40 ? 'TCP_LISTEN_OVERFLOW' : number === 0x20003 ? 'OPENVSWITCH:3' : undefined),
  blockDevice: (major, minor) =>
    new Map([
      ['8:0', 'sda'],
      ['8:257', 'sdq1'],
      ['8:1048575', 'sdlast'],
      ['254:0', 'vda'],
      ['259:3', 'nvme0n1p2'],
      ['253:1000', 'dm-1000'],
    ]).get(`${major}:${minor}`),
  networkInterface: (index) =>
    new Map([
      [1, 'lo'],
      [2, 'eth0'],
      [70000, 'vethé'],
    ]).get(index),
  cgroup: (id) => (id === 0x100000a2bn ? '/sys/fs/cgroup/été.slice' : undefined),
  syscall: (number) => (number === 0 ? 'read' : number === 257 ? 'openat' : undefined),
  errno: (number) => (number === 2 ? 'ENOENT' : number === 11 ? 'EAGAIN' : undefined),
  pci: () => ({
    vendor: (number) =>
      number === 0x8086 ? 'Intel Corporation' : number === 0x0e11 ? 'Compaq Computer Corporation' : undefined,
    device: (vendor, device) =>
      vendor === 0x8086 && device === 0x100e ? '82540EM Gigabit Ethernet Controller' : undefined,
    class: (number) => (number === 2 ? 'Network controller' : undefined),
    subclass: (number, subclass) => (number === 2 && subclass === 0x80 ? 'Network controller' : undefined),
  }),
};
