/** Control characters, those that turn the direction of writing or can't be seen, other line ends, and halves of a character. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Text that others have a hand in (a receiver's answer, a file's or a cgroup's name) as a terminal may show it: what it
 * would obey, or what hides what is there, is written as an escape, `\x1b` or `\u202e`. Line feeds and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(UNSEEN, (unseen) => {
    if (unseen === '\n' || unseen === '\t') return unseen;
    if (unseen === '\r') return String.raw`\r`;
    const hex = unseen.codePointAt(0)!.toString(16);
    if (hex.length > 4) return String.raw`\u{${hex}}`;
    return hex.length > 2 ? String.raw`\u${hex.padStart(4, '0')}` : String.raw`\x${hex.padStart(2, '0')}`;
  });
}

/** The same for JSON, which stays JSON of the same values. */
export function printableJson(json: string): string {
  return json.replace(UNSEEN, (unseen) =>
    unseen.replace(/./gs, (unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}
