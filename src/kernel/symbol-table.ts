import { giveBack } from './files.ts';

const NEWLINE = 0x0a;
const SPACE = 0x20;
/** A line is `ffffffff81000000 T name`, with `\t[module]` behind a module's. Source: s_show in kernel/kallsyms.c. */
const ADDRESS_DIGITS = 16;
const NAME_OFFSET = ADDRESS_DIGITS + 3;
/** With a name of one character and the newline. */
const SHORTEST_LINE = NAME_OFFSET + 2;
/** Of `T`, `t`, `W` and `w`, weak or not, seen by modules or not, in lower case: what is code. */
const CODE_TYPES = [0x74, 0x77];
/** No function is longer; what is farther behind one's beginning is none of its code. */
const LONGEST_FUNCTION = 1 << 20;

/**
 * /proc/kallsyms by address, in the memory of its text and about 8 bytes per symbol: a hash table of line offsets, the lines
 * themselves being keys and names. Of several symbols at one address the first line counts, as in the kernel's own look-up.
 */
export class SymbolTable {
  readonly #text: Buffer;
  /** Offset of the line + 1; 0 where the slot is free. */
  readonly #slots: Uint32Array;
  readonly #shift: number;
  /** Made when a function is first looked for. */
  #functions: Float64Array | undefined;
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

  /** The function that begins at this address or is the nearest before it; undefined where none is near. */
  findFunction(address: bigint): string | undefined {
    const wanted = Number(address & 0xffffffffffffn);
    this.#functions ??= this.#sortedFunctions();
    const functions = this.#functions;
    let low = 0;
    let high = functions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (functions[middle]! <= wanted) low = middle + 1;
      else high = middle;
    }
    const nearest = functions[low - 1];
    if (nearest === undefined || wanted - nearest > LONGEST_FUNCTION) return undefined;
    return this.find(address - BigInt(wanted - nearest));
  }

  /** Frees the memory; nothing may be asked afterwards. */
  release(): void {
    for (const bytes of [this.#text, this.#slots, this.#functions]) if (bytes !== undefined) giveBack(bytes);
  }

  /** The lower 48 bits of each function's address. */
  #sortedFunctions(): Float64Array {
    const text = this.#text;
    const addresses = new Float64Array(this.#slots.length);
    let count = 0;
    for (const slot of this.#slots) {
      if (slot === 0 || !CODE_TYPES.includes(text[slot + ADDRESS_DIGITS]! | 0x20)) continue;
      addresses[count] = (hex(text, slot - 1) & 0xffff) * 0x100000000 + hex(text, slot + 7);
      count++;
    }
    return addresses.slice(0, count).sort();
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
