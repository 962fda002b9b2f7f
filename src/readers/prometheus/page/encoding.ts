import { quality } from './format.ts';

export type Encoding = 'gzip' | 'zstd';

/** The better of two that a client takes equally comes first. */
const known: readonly (readonly [name: string, encoding: Encoding])[] = [
  ['zstd', 'zstd'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
];

/**
 * How an Accept-Encoding header wants the page compressed; undefined: not at all.
 * Source: RFC 9110 section 12.5.3, with `*` and quality values; what is as welcome as `identity` is taken.
 */
export function negotiateEncoding(header: string | string[] | undefined): Encoding | undefined {
  const wanted = new Map<string, number>();
  for (const part of String(header ?? '').split(',')) {
    const [coding, ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const given = parameters.find((parameter) => /^q\s*=/.test(parameter));
    wanted.set(coding!, quality(given?.slice(given.indexOf('=') + 1).trim()));
  }
  let best: Encoding | undefined;
  let bestQuality = wanted.get('identity') ?? 0;
  for (const [name, encoding] of known) {
    // `*` is what clients say that take what everybody has; zstd they name.
    const own = wanted.get(name) ?? (name === 'gzip' ? (wanted.get('*') ?? 0) : 0);
    if (own > bestQuality || (own > 0 && own === bestQuality && best === undefined)) {
      best = encoding;
      bestQuality = own;
    }
  }
  return best;
}
