/** Long enough for the slowest machine: what takes longer will never come, and the test should say so and clean up. */
const usualMs = 20_000;

/** Resolves as the promise does; rejects with `missed()` where that takes longer than the deadline. */
export async function within<T>(promise: Promise<T>, missed: () => string, deadlineMs = usualMs): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`after ${deadlineMs / 1000} s: ${missed()}`)), deadlineMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
