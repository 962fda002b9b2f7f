/** Stands for any characters, none included. */
const ANY = Symbol('any characters');

/** What one character must be, as its UTF-16 code. */
type OneOf = (code: number) => boolean;

/**
 * A test of whole texts against a pattern of characters and ANY, in time in proportion to both at most: what was once behind an ANY
 * is never looked for again behind an earlier one, as a regular expression of JavaScript's would.
 */
export function matcher(pattern: readonly (OneOf | typeof ANY)[]): (text: string) => boolean {
  return (text) => {
    let part = 0;
    let at = 0;
    /** The last ANY, and what of the text it stands for as yet ends there. */
    let any = -1;
    let anyEnd = 0;
    while (at < text.length) {
      const wanted = pattern[part];
      if (wanted === ANY) {
        any = part++;
        anyEnd = at;
      } else if (wanted?.(text.charCodeAt(at))) {
        part++;
        at++;
      } else if (any >= 0) {
        part = any + 1;
        at = ++anyEnd;
      } else {
        return false;
      }
    }
    while (pattern[part] === ANY) part++;
    return part === pattern.length;
  };
}

/** What `*`, `?` and every other character of a pattern stand for. */
export function partOf(character: string): OneOf | typeof ANY {
  if (character === '*') return ANY;
  const wanted = character.charCodeAt(0);
  return character === '?' ? () => true : (code) => code === wanted;
}
