/**
 * Bytes of the well-formed UTF-8 sequence at `offset`, 1 to 4; 0 where there is none.
 * Source: the Unicode Standard, table 3-7 (no overlong forms, no surrogates, nothing above U+10FFFF).
 */
export function sequenceLength(bytes: Uint8Array, offset: number): number {
  const lead = bytes[offset]!;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (offset + length > bytes.length) return 0;
  const second = bytes[offset + 1]!;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  for (let i = 2; i < length; i++) if ((bytes[offset + i]! & 0xc0) !== 0x80) return 0;
  return length;
}
