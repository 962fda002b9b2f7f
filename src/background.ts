/** Who is told of what fails in the background. */
export interface BackgroundListener {
  /** Each time that a task fails; it goes on being tried. */
  failed(task: string, error: unknown): void;
  /** The task works again. */
  over(task: string): void;
}

let listener: BackgroundListener | undefined;
const failing = new Set<string>();

/** Tells the listener, in place of the one before, of what fails from now on, until it is disposed. */
export function listenToBackground(listen: BackgroundListener): Disposable {
  listener = listen;
  return {
    [Symbol.dispose]() {
      if (listener === listen) listener = undefined;
    },
  };
}

/**
 * Runs a part of a task that nobody waits for, such as a timer's: what it throws would end the process. Never throws.
 * `task` names it in the log and in a metric, the same each time.
 */
export function inBackground(task: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    failing.add(task);
    listener?.failed(task, error);
    return;
  }
  if (failing.delete(task)) listener?.over(task);
}

/** Runs it in the background every so many milliseconds until it is disposed; the process doesn't live for it. */
export function repeat(task: string, milliseconds: number, work: () => void): Disposable {
  const timer = setInterval(() => inBackground(task, work), milliseconds).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
