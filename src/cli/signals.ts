import { longestMs } from '../timer.ts';

/** Signals that end the process in order; SIGHUP is a terminal that goes, and would end it as it is. */
const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npm passes a terminal's Ctrl-C on that the process has got already, so the same keypress comes twice. */
const oneKeypressMs = 1000;

/**
 * Resolves with the first signal's name. One that comes a second or more after it ends the process at once, with the
 * status a shell gives for it.
 */
export function endingSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: number | undefined;
    // With readers that only push nothing else would: the SDK's interval timers don't hold the process.
    const alive = setInterval(() => {}, longestMs);
    for (const [index, signal] of ending.entries()) {
      process.on(signal, () => {
        const now = performance.now();
        first ??= now;
        clearInterval(alive);
        resolve(signal);
        if (now - first >= oneKeypressMs) process.exit([130, 143, 129][index]);
      });
    }
  });
}
