import { readlinkSync } from 'node:fs';

/**
 * Names of block devices by number, asked anew each time (about 2 µs), since devices come and go.
 * /sys writes the / of names such as cciss/c0d0 as !, /proc/partitions doesn't.
 * `root` is put in front of /sys.
 */
export function createBlockDevices(root: string): (major: number, minor: number) => string | undefined {
  return (major, minor) => {
    try {
      const target = readlinkSync(`${root}/sys/dev/block/${major}:${minor}`);
      return target.slice(target.lastIndexOf('/') + 1).replaceAll('!', '/');
    } catch {
      return undefined;
    }
  };
}
