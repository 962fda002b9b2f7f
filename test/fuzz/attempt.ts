/** One input, made of a seed: the same for the same seed. */
export class Attempt {
  #state: number;
  /** What the parser is given, for whoever reads of a failure. */
  input = '';

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0, below the limit (Mulberry32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Once in so many times. */
  onceIn(times: number): boolean {
    return this.below(times) === 0;
  }

  bytes(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(most + 1) }, () => this.below(256)));
  }

  /** Pieces of the list, and now and then a character of any kind between them. */
  text(pieces: readonly string[], most: number): string {
    return Array.from({ length: this.below(most + 1) }, () =>
      this.onceIn(8) ? this.character() : this.pick(pieces),
    ).join('');
  }

  /** Of ASCII mostly; else of all of Unicode, what controls a terminal and halves of a character included. */
  character(): string {
    const kind = this.below(8);
    if (kind < 5) return String.fromCharCode(this.below(128));
    if (kind === 5)
      return this.pick(['\u0085', '\u009b', '\u00ad', '\u200b', '\u202e', '\u2028', '\ufeff', '\u{e0001}']);
    return kind === 6 ? String.fromCharCode(this.below(0x10000)) : String.fromCodePoint(this.below(0x110000));
  }

  /** The text with a few slips, as of lines that are lost, twice, moved or cut off, and of words that are others. */
  spoil(text: string, words: readonly string[]): string {
    let lines = text.split('\n');
    for (let slips = 1 + this.below(4); slips > 0; slips--) {
      const at = this.below(lines.length);
      const line = lines[at] ?? '';
      const place = this.below(line.length + 1);
      const changed = [
        () => [],
        () => [line, line],
        () => [` ${line}`],
        () => [line.slice(1)],
        () => [line.slice(0, place)],
        () => [line, this.pick(lines)],
        () => [line.slice(0, place) + this.pick(words) + line.slice(place)],
        () => [line.slice(0, place) + this.character() + line.slice(place + this.below(2))],
        () => [line.replace(/:.*/s, () => `: ${this.pick(words)}`)],
        () => [line.replace(/[\w.]+(?=:)/, () => this.pick(words))],
      ];
      lines = lines.toSpliced(at, 1, ...this.pick(changed)());
      if (this.onceIn(40)) lines = lines.slice(0, at + 1);
    }
    return lines.join('\n');
  }

  /** The bytes with one to four of their words or bytes changed, most to something that a number may be wrong by. */
  corrupt(original: Uint8Array, places: readonly (readonly [start: number, end: number])[]): Uint8Array {
    const bytes = Uint8Array.from(original);
    const view = new DataView(bytes.buffer);
    for (let change = 0, changes = 1 + this.below(4); change < changes; change++) {
      const [start, end] = this.pick(places);
      const at = start + this.below(end - start);
      const kind = this.below(6);
      const word = at & ~3;
      if (kind === 0) bytes[at] = this.below(256);
      else if (kind === 1) bytes[at]! ^= 1 << this.below(8);
      else if (word + 4 <= bytes.length) {
        const old = view.getUint32(word, true);
        const wrong = [
          0,
          1,
          -1,
          0x7fffffff,
          0x80000000,
          old + 1,
          old - 1,
          old + this.below(64),
          old ^ this.below(65_536),
        ];
        const all = [...wrong, this.below(300), this.below(2 ** 31), old + 8, old << 8, 0x18];
        view.setUint32(word, this.pick(all) >>> 0, true);
      }
    }
    return bytes;
  }
}
