/** A loop, since for texts of this length a call of TypedArray.set costs more than the bytes. Answers the end. */
export function copyBytes(out: Uint8Array, at: number, from: Uint8Array, start: number, length: number): number {
  for (let i = 0; i < length; i++) out[at + i] = from[start + i]!;
  return at + length;
}
