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
  const source = text.replace(/\[(!?)([^\]]+)\]|[^\w]/g, (found, not: string | undefined, set: string | undefined) => {
    if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replace(/[\\^]/g, '\\$&')}]`;
    if (found === '*') return '.*';
    return found === '?' ? '.' : `\\${found}`;
  });
  const expression = new RegExp(`^${source}$`);
  return (name) => expression.test(name);
}
