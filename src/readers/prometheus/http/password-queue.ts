interface Check {
  begin(): void;
}

/**
 * Checks of passwords, one at a time. Clients take turns, those first that were not served yet, and of one client's checks the
 * newest is the next: who floods the queue holds up itself, and at the same address hardly anybody who comes later.
 * What nobody waits for any longer is dropped.
 */
export class PasswordQueue {
  readonly #mostPerClient: number;
  readonly #most: number;
  /** The client at the end is the next. */
  readonly #waiting = new Map<string, Set<Check>>();
  #isBusy = false;
  #size = 0;

  constructor(limits: { readonly most: number; readonly mostPerClient: number }) {
    this.#most = limits.most;
    this.#mostPerClient = limits.mostPerClient;
  }

  /** Whether one more check of this client can wait. */
  hasRoom(client: string): boolean {
    return this.#size < this.#most && (this.#waiting.get(client)?.size ?? 0) < this.#mostPerClient;
  }

  /** Rejects with the signal's reason where it is aborted before the check has begun; it isn't begun then. */
  async run<T>(client: string, check: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (this.#isBusy) await this.#turn(client, signal);
    this.#isBusy = true;
    try {
      return await check();
    } finally {
      this.#isBusy = false;
      this.#next()?.begin();
    }
  }

  #turn(client: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#remove(client, check);
        reject(signal.reason);
      };
      const check = {
        begin: () => {
          signal.removeEventListener('abort', leave);
          // Nobody who asks in the meantime shall come first.
          this.#isBusy = true;
          resolve();
        },
      };
      const own = this.#waiting.get(client) ?? new Set();
      this.#waiting.set(client, own.add(check));
      this.#size++;
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #next(): Check | undefined {
    const last = [...this.#waiting].at(-1);
    if (last === undefined) return undefined;
    const [client, checks] = last;
    const check = [...checks].at(-1)!;
    this.#remove(client, check);
    if (checks.size > 0) {
      // Behind all others.
      const others = [...this.#waiting].filter(([other]) => other !== client);
      this.#waiting.clear();
      for (const [other, waiting] of [[client, checks] as const, ...others]) this.#waiting.set(other, waiting);
    }
    return check;
  }

  #remove(client: string, check: Check): void {
    const checks = this.#waiting.get(client);
    if (!checks?.delete(check)) return;
    this.#size--;
    if (checks.size === 0) this.#waiting.delete(client);
  }
}
