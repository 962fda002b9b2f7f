const NEWLINE = 0x0a;
const SPACE = 0x20;
/** A line is `ffffffff81000000 T name`, with `\t[module]` behind a module's. Source: s_show in kernel/kallsyms.c. */
const ADDRESS_DIGITS = 16;
const NAME_OFFSET = ADDRESS_DIGITS + 3;

/**
 * /proc/kallsyms by address, in the memory of its text and 8 to 16 bytes per symbol: a hash table of line offsets, the lines
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
    const bits = Math.max(4, Math.ceil(Math.log2(2 * lines(text) + 1)));
    this.#slots = new Uint32Array(2 ** bits);
    this.#shift = 32 - bits;
    this.hidden = text.length > 0 && !this.#fill();
  }

  /** The symbol that begins at this address. */
  find(address: bigint): string | undefined {
    if (this.hidden) return undefined;
    const high = Number((address >> 32n) & 0xffffffffn);
    const low = Number(address & 0xffffffffn);
    const line = this.#slots[this.#slot(high, low)]! - 1;
    return line < 0 ? undefined : this.#text.toString('latin1', line + NAME_OFFSET, this.#text.indexOf(NEWLINE, line));
  }

  /** Whether any address isn't zero. */
  #fill(): boolean {
    const text = this.#text;
    let visible = false;
    let line = 0;
    for (let end = text.indexOf(NEWLINE); end !== -1; line = end + 1, end = text.indexOf(NEWLINE, line)) {
      if (text[line + ADDRESS_DIGITS] !== SPACE || end <= line + NAME_OFFSET) continue;
      const high = hex(text, line);
      const low = hex(text, line + 8);
      if (high !== 0 || low !== 0) visible = true;
      const slot = this.#slot(high, low);
      if (this.#slots[slot] === 0) this.#slots[slot] = line + 1;
    }
    return visible;
  }

  /** Where this address is, or the free slot where it belongs. At most half of the slots are taken, so there is one. */
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

function lines(text: Buffer): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) if (text[i] === NEWLINE) count++;
  return count;
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
