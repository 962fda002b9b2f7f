/** Where the lines of a text begin; the YAML parser's own counter misses some line ends behind what is wrong. */
export class Lines {
  readonly #starts: readonly number[];

  constructor(text: string) {
    this.#starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  }

  /** The line of an offset in the text, counted from 1, and the offset where it begins. */
  of(offset: number): { readonly line: number; readonly start: number } {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, start: starts[low]! };
  }
}
