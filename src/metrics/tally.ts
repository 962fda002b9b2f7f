import type { Attributes, Meter } from '@opentelemetry/api';

/** How often something happened, or how much of it there was, and where. */
export type Tallied<Where extends string> = Readonly<Record<Where, string>> & { count: number };

/** Counts apart by where. */
export class Tally<Where extends string> {
  readonly #all = new Map<string, Tallied<Where>>();

  /** 0 makes it known that there may be some. */
  add(where: Readonly<Record<Where, string>>, count = 1): void {
    const key = Object.values(where).join('\0');
    const known = this.#all.get(key);
    if (known === undefined) this.#all.set(key, { ...where, count });
    else known.count += count;
  }

  [Symbol.iterator](): Iterator<Readonly<Tallied<Where>>> {
    return this.#all.values();
  }
}

/** Registers a counter of what is tallied: each count with the rest of its object as attributes. It has no series before the first. */
export function observeCounts(
  meter: Meter,
  name: string,
  description: string,
  unit: string,
  counts: () => Iterable<Attributes & { readonly count: number }>,
): void {
  meter.createObservableCounter(name, { description, unit }).addCallback((result) => {
    for (const { count, ...attributes } of counts()) result.observe(count, attributes);
  });
}
