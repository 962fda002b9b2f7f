import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Names of block devices by number, asked anew each time (about 2 µs), since devices come and go.
 * Podman masks /sys/dev/block in its containers, but not /proc/partitions, which is asked where /sys doesn't know
 * (some 20 µs). It leaves out devices without a medium or of size 0, which nothing is read from.
 * `root` is put in front of /sys and /proc.
 * Source: podman-run(1), the option `unmask`; show_partition in block/genhd.c.
 */
export function createBlockDevices(root: string): (major: number, minor: number) => string | undefined {
  return (major, minor) => linkedName(root, major, minor) ?? partitionName(root, major, minor);
}

/** /sys writes the / of names such as cciss/c0d0 as !, /proc/partitions doesn't. */
function linkedName(root: string, major: number, minor: number): string | undefined {
  try {
    const target = readlinkSync(`${root}/sys/dev/block/${major}:${minor}`);
    return target.slice(target.lastIndexOf('/') + 1).replaceAll('!', '/');
  } catch {
    return undefined;
  }
}

/** Lines of ` 259        3  500107608 nvme0n1p2`: major, minor, blocks of 1 KiB, name. */
function partitionName(root: string, major: number, minor: number): string | undefined {
  try {
    const text = readFileSync(`${root}/proc/partitions`, 'latin1');
    return new RegExp(`^ *${major} +${minor} +\\d+ (\\S+)$`, 'm').exec(text)?.[1];
  } catch {
    return undefined;
  }
}
