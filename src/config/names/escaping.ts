/**
 * Names outside [a-zA-Z_:][a-zA-Z0-9_:]* for scrapers of all kinds.
 * Source: prometheus.io/docs/instrumenting/escaping_schemes; where it leaves room (which characters `dots` makes two
 * underscores of), EscapeName of prometheus/common's model package, so that names are those of Go's exporters.
 */

export const escapings = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;

export type Escaping = (typeof escapings)[number];

/** Whether a name needs neither quotes nor escaping. */
export function isLegacyName(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
}

/** The name as a scraper that asks for this scheme gets it. */
export function escapeName(name: string, escaping: Escaping): string {
  switch (escaping) {
    case 'allow-utf-8':
      return name;
    case 'underscores':
      return name.replaceAll(/[^a-zA-Z0-9_:]/gu, '_').replace(/^[0-9]/, '_');
    case 'dots':
      // Legacy names too: an underscore must mean one thing.
      return replaceCharacters(name, (character) => (character === '.' ? '_dot_' : '__'));
    case 'values':
      if (isLegacyName(name)) return name;
      return `U__${replaceCharacters(name, (character) =>
        character === '_' ? '__' : `_${codePoint(character).toString(16)}_`,
      )}`;
  }
}

/** Replaces underscores and everything that can't stand there in a legacy name. */
function replaceCharacters(name: string, replacement: (character: string) => string): string {
  return [...name]
    .map((character, index) => {
      const stays = (index === 0 ? /[a-zA-Z:]/ : /[a-zA-Z0-9:]/).test(character);
      return stays ? character : replacement(character);
    })
    .join('');
}

/** Half of a surrogate pair is no character: the replacement character stands for it. */
function codePoint(character: string): number {
  const point = character.codePointAt(0)!;
  return point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
}
