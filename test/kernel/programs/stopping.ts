import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { buildLoad } from '../../../bench/kernel/build.ts';

/**
 * A load of bench/kernel/load.c that stops before and after its operations, so that neither its start nor its end is
 * counted: gives what `read` gives of what `attach` has attached before, after the operations alone.
 */
export async function betweenStops<T extends Disposable, R>(
  load: string,
  operations: number,
  attach: (pid: number) => T,
  read: (counting: T) => Promise<R>,
): Promise<R> {
  const child = spawn(buildLoad(), [load, String(operations), 'stop'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  const pid = child.pid!;
  try {
    await stopped(pid);
    using counting = attach(pid);
    child.kill('SIGCONT');
    await stopped(pid);
    return await read(counting);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

/** Waits until the process has stopped: its state in proc_pid_stat is T. */
async function stopped(pid: number): Promise<void> {
  while (!/\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await setImmediate();
}
