import { createHmac, randomBytes } from 'node:crypto';
import { Wanted } from '../page/wanted.ts';
import { Bcrypt } from './bcrypt.ts';
import { PasswordQueue } from './password-queue.ts';

export type Admission = 'admitted' | 'unauthorized' | 'busy';

/** Checks that wait for one another; more are turned away, so that guessing passwords costs no memory. */
const MOST_WAITING = { most: 1000, mostPerClient: 250 };

/** Right passwords that are remembered. */
const MOST_REMEMBERED = 100;

/**
 * HTTP basic authentication against bcrypt hashes. Passwords that were right are remembered, as a keyed hash, since
 * scrapers come back every few seconds and a check is expensive.
 * Source: RFC 7617; web/handler.go of prometheus/exporter-toolkit.
 */
export class BasicAuth {
  readonly #bcrypt: Pick<Bcrypt, 'compare' | 'close'>;
  readonly #queue: PasswordQueue;
  /** Of this process, so that what is remembered says nothing about passwords. */
  readonly #secret = randomBytes(32);
  readonly #right = new Set<string>();
  /** Checks under way, by what they check. */
  readonly #checks = new Map<string, { readonly matches: Promise<boolean>; readonly wanted: Wanted }>();

  constructor(bcrypt: Pick<Bcrypt, 'compare' | 'close'> = new Bcrypt(), limits = MOST_WAITING) {
    this.#bcrypt = bcrypt;
    this.#queue = new PasswordQueue(limits);
  }

  /**
   * Whether the Authorization header names one of the users, by bcrypt hash, with the right password. Of clients that ask
   * for much each waits for itself; what is asked for is dropped when the signal is aborted.
   */
  async admit(
    authorization: string | undefined,
    users: ReadonlyMap<string, string>,
    client = '',
    signal?: AbortSignal,
  ): Promise<Admission> {
    const credentials = parseBasic(authorization);
    if (credentials === undefined) return 'unauthorized';
    const { user, password } = credentials;
    const known = users.get(user);
    // An unknown user takes as long as a wrong password, so that names can't be told from the time.
    const hash = known ?? users.values().next().value!;
    const key = createHmac('sha256', this.#secret)
      .update(JSON.stringify([user, known, password]))
      .digest('base64');
    if (this.#right.has(key)) {
      // The one that was not seen for the longest time is forgotten first.
      this.#right.delete(key);
      this.#right.add(key);
      return 'admitted';
    }
    let check = this.#checks.get(key);
    if (check === undefined) {
      if (!this.#queue.hasRoom(client)) return 'busy';
      const wanted = new Wanted();
      const matches = this.#queue
        .run(client, () => this.#bcrypt.compare(password, hash), wanted.signal)
        .finally(() => this.#checks.delete(key));
      check = { matches, wanted };
      this.#checks.set(key, check);
    }
    check.wanted.add(signal);
    try {
      const matches = await check.matches;
      if (!matches || known === undefined) return 'unauthorized';
    } catch {
      return 'busy';
    }
    this.#right.add(key);
    if (this.#right.size > MOST_REMEMBERED) this.#right.delete(this.#right.values().next().value!);
    return 'admitted';
  }

  close(): Promise<void> {
    return this.#bcrypt.close();
  }
}

/** User and password of a header `Basic BASE64`; undefined where it is none. */
export function parseBasic(authorization: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
