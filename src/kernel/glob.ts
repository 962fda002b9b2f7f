import { matcher, partOf } from '../wildcards.ts';

/** A glob and where a file says so, as src/config has read it. */
export interface Pattern {
  /** Without the `!` of one that leaves out. `*`, `?` and `[abc]` stand for what they do in a shell. */
  readonly text: string;
  readonly excludes: boolean;
}

/** Whether it names one thing and no more. */
export function isExact({ text }: Pattern): boolean {
  return !/[*?[]/.test(text);
}

/** A test of whole names; the glob's brackets are known to be closed. */
export function compileGlob(text: string): (name: string) => boolean {
  const parts = text.match(/\[!?[^\]]+\]|./gs) ?? [];
  return matcher(parts.map((part) => (part.length > 1 ? setOf(part) : partOf(part))));
}

/** The characters of `[abc]`, `[a-z]` or, all but these, `[!abc]`. A range that goes down has none. */
function setOf(brackets: string): (code: number) => boolean {
  const isNot = brackets.startsWith('[!') && brackets !== '[!]';
  const ranges = [...brackets.slice(isNot ? 2 : 1, -1).matchAll(/(.)-(.)|./gs)].map(
    ([one, first = one, last = one]) => {
      return [first.charCodeAt(0), last.charCodeAt(0)] as const;
    },
  );
  return (code) => ranges.some(([first, last]) => first <= code && code <= last) !== isNot;
}
