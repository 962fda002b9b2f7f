import { release } from 'node:os';

/** Whether the kernel is 6.10 or newer, for (6, 10): what it can tell changes now and then, what it is asked doesn't. */
export function isKernelSince(major: number, minor: number): boolean {
  const [runningMajor = 0, runningMinor = 0] = release().split('.').map(Number);
  return runningMajor > major || (runningMajor === major && runningMinor >= minor);
}
