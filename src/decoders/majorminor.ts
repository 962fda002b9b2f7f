import type { DecoderKind } from './decoder.ts';
import { sizeError } from './integers.ts';

/**
 * 4 bytes of a block device's number (or 8, of which the kernel uses 4) → `sda`, `nvme0n1p1`, or `unknown:MAJOR:MINOR`.
 *
 * The number is read as user space has it, which is what ebpf_exporter expects: bits 8-19 the major, 0-7 and 20-31 the minor
 * (new_encode_dev, include/linux/kdev_t.h). Where no device has that number, it is read as the kernel has it in dev_t:
 * the upper 12 bits the major, the lower 20 the minor (MKDEV, same file). They don't get into each other's way:
 * a dev_t with a minor below 256 has the major 0 when read the other way, which no block device has, and one
 * with a higher minor reads as a minor of at least 256 × its major under a major that never has so many.
 */
export const majorminor = {
  name: 'majorminor',
  create: (_plan, kernel) => (input) => {
    if (input.length !== 4 && input.length !== 8) throw sizeError(input, 'majorminor', '4 or 8');
    const device = input.readUInt32LE(0);
    const major = (device >>> 8) & 0xfff;
    const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
    const kernelMajor = device >>> 20;
    const kernelMinor = device & 0xfffff;
    // 0 is the major of file systems without a device, never of a block device: don't ask for it.
    const name =
      (major === 0 ? undefined : kernel.blockDevice(major, minor)) ??
      (kernelMajor === 0 ? undefined : kernel.blockDevice(kernelMajor, kernelMinor));
    if (name !== undefined) return Buffer.from(name);
    return Buffer.from(major === 0 ? `unknown:${kernelMajor}:${kernelMinor}` : `unknown:${major}:${minor}`, 'latin1');
  },
} as const satisfies DecoderKind;
