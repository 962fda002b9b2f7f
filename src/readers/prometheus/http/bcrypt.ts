import { Worker } from 'node:worker_threads';
import type { BcryptAnswer, BcryptQuestion } from './bcrypt-worker.ts';

/** How long the thread waits for the next question. */
const IDLE_MS = 5000;

interface Waiting {
  resolve(matches: boolean): void;
  reject(error: Error): void;
}

/**
 * Compares passwords with bcrypt hashes, one after the other on a thread of its own: a hash takes some 70 ms and
 * more, which would hold up the scrapes. The thread is started when it is needed and ends when it isn't.
 */
export class Bcrypt {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;

  /** Rejects where the thread fails, or is closed. */
  compare(password: string, hash: string): Promise<boolean> {
    clearTimeout(this.#idle);
    const worker = this.#worker ?? this.#start();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const question: BcryptQuestion = { id, password, hash };
      worker.postMessage(question);
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#end(new Error('the exporter is ending'));
  }

  #start(): Worker {
    // Compiled sources have other names.
    const file = import.meta.url.endsWith('.ts') ? './bcrypt-worker.ts' : './bcrypt-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 32 } });
    worker.unref();
    worker.on('message', ({ id, matches }: BcryptAnswer) => {
      this.#waiting.get(id)?.resolve(matches);
      this.#waiting.delete(id);
      if (this.#waiting.size > 0) return;
      this.#idle = setTimeout(() => void this.#end(new Error('it was idle')), IDLE_MS).unref();
    });
    worker.on('error', (error) => void this.#end(error as Error));
    this.#worker = worker;
    return worker;
  }

  async #end(reason: Error): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
    await worker?.terminate();
  }
}
