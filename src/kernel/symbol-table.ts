const NEWLINE = 0x0a;
const SPACE = 0x20;
/** A line is `ffffffff81000000 T name`, with `\t[module]` behind a module's. Source: s_show in kernel/kallsyms.c. */
const ADDRESS_DIGITS = 16;
const NAME_OFFSET = ADDRESS_DIGITS + 3;
/** With a name of one character and the newline. */
const SHORTEST_LINE = NAME_OFFSET + 2;

/**
 * /proc/kallsyms by address, in the memory of its text and about 8 bytes per symbol: a hash table of line offsets, the lines
 * themselves being keys and names. Of several symbols at one address the first line counts, as in the kernel's own look-up.
 */
export class SymbolTable {
  readonly #text: Buffer;
  /** Offset of the line + 1; 0 where the slot is free. */
  readonly #slots: Uint32Array;
  readonly #shift: number;
  /** Whether there are symbols, but every address is zero: what a reader without the right sees. */
  readonly hidden: boolean;

  constructor(text: Buffer) {
    this.#text = text;
    const bits = Math.max(4, Math.ceil(Math.log2(text.length / SHORTEST_LINE + 1)));
    this.#slots = new Uint32Array(2 ** bits);
    this.#shift = 32 - bits;
    const visible = this.#fill();
    this.hidden = !visible && this.find(0n) !== undefined;
  }

  /** The symbol that begins at this address. */
  find(address: bigint): string | undefined {
    const high = Number((address >> 32n) & 0xffffffffn);
    const low = Number(address & 0xffffffffn);
    const line = this.#slots[this.#slot(high, low)]! - 1;
    return line < 0 ? undefined : this.#text.toString('latin1', line + NAME_OFFSET, this.#text.indexOf(NEWLINE, line));
  }

  /** Frees the memory at once, where the garbage collector might not come by for hours; nothing may be asked afterwards. */
  release(): void {
    for (const { buffer } of [this.#text, this.#slots]) (buffer as ArrayBuffer).transfer(0);
  }

  /** Whether any address isn't zero. */
  #fill(): boolean {
    const text = this.#text;
    let visible = false;
    let line = 0;
    for (let end = 0; end < text.length; end++) {
      if (text[end] !== NEWLINE) continue;
      const start = line;
      line = end + 1;
      if (text[start + ADDRESS_DIGITS] !== SPACE || end - start < NAME_OFFSET + 1) continue;
      const high = hex(text, start);
      const low = hex(text, start + 8);
      if (high !== 0 || low !== 0) visible = true;
      const slot = this.#slot(high, low);
      if (this.#slots[slot] === 0) this.#slots[slot] = start + 1;
    }
    return visible;
  }

  /** Where this address is, or the free slot where it belongs. There are more slots than lines. */
  #slot(high: number, low: number): number {
    const mask = this.#slots.length - 1;
    let slot = Math.imul(low ^ high, 0x9e3779b1) >>> this.#shift;
    for (;;) {
      const line = this.#slots[slot]! - 1;
      if (line < 0 || (hex(this.#text, line + 8) === low && hex(this.#text, line) === high)) return slot;
      slot = (slot + 1) & mask;
    }
  }
}

/** Eight lower-case hex digits as an unsigned number. */
function hex(text: Buffer, offset: number): number {
  let value = 0;
  for (let i = offset; i < offset + 8; i++) {
    const character = text[i]!;
    value = (value << 4) | (character < 0x61 ? character - 0x30 : character - 0x57);
  }
  return value >>> 0;
}
