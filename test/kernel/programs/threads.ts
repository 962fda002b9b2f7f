import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** The system call's number on x86-64 and arm64. */
export const getppid = process.arch === 'arm64' ? 173 : 110;

/** Has threads of this process call getppid so often each, all at the same time. */
export async function callGetppidInThreads(threads: number, calls: number): Promise<void> {
  const code = `
    const ready = require('node:worker_threads').workerData;
    Atomics.add(ready, 0, 1);
    while (Atomics.load(ready, 0) < ${threads});
    for (let call = 0; call < ${calls}; call++) void process.ppid;`;
  const workerData = new Int32Array(new SharedArrayBuffer(4));
  const workers = Array.from({ length: threads }, () => new Worker(code, { eval: true, workerData }));
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
}
