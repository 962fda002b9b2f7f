import { setImmediate } from 'node:timers/promises';

/** Long enough for the slowest machine: what takes longer will never come, and the test should say so and clean up. */
const patienceMs = 60_000;

/** Resolves as the promise does; rejects with `missed()` where that takes longer than the deadline. */
export async function within<T>(promise: Promise<T>, missed: () => string, deadlineMs = patienceMs): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`after ${deadlineMs / 1000} s: ${missed()}`)), deadlineMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when it is so, or when it will never be: what is there then is the caller's to look at. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const last = Date.now() + patienceMs; !(await isSo()) && Date.now() < last; ) await setImmediate();
}
