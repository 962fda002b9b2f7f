/** Builds raw BTF record by record, as the kernel's documentation describes it; type numbers begin with 1. */
export class BtfBuilder {
  #types: number[] = [];
  #strings: number[] = [0];
  #count = 0;

  /** Offset of a string that is added. */
  string(text: string): number {
    if (text === '') return 0;
    const offset = this.#strings.length;
    this.#strings.push(...new TextEncoder().encode(text), 0);
    return offset;
  }

  /** Adds a record with whole words behind it and returns its number. */
  add(
    kind: number,
    name: string,
    sizeOrType: number,
    words: readonly number[] = [],
    { length = 0, flag = false }: { length?: number; flag?: boolean } = {},
  ): number {
    const info = (((flag ? 1 : 0) << 31) | (kind << 24) | length) >>> 0;
    for (const word of [this.string(name), info, sizeOrType, ...words]) {
      this.#types.push(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, (word >>> 24) & 0xff);
    }
    this.#count += 1;
    return this.#count;
  }

  bytes(): Uint8Array {
    const header = new DataView(new ArrayBuffer(24));
    header.setUint16(0, 0xeb9f, true);
    header.setUint8(2, 1);
    header.setUint32(4, 24, true);
    header.setUint32(12, this.#types.length, true);
    header.setUint32(16, this.#types.length, true);
    header.setUint32(20, this.#strings.length, true);
    return Uint8Array.from([...new Uint8Array(header.buffer), ...this.#types, ...this.#strings]);
  }
}
