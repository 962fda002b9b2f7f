/** Most bytes that writeNumber writes: `-1.7976931348623157e+308` and one to spare. */
export const NUMBER_BYTES = 25;

const ZERO = 48;

/**
 * Writes a number as the Prometheus text format takes it, at out[at]; answers the position behind it.
 * Whole numbers up to 2^53 are written digit by digit, since nearly all numbers are such.
 */
export function writeNumber(out: Uint8Array, at: number, value: number): number {
  if (Number.isSafeInteger(value)) {
    if (value >= 0) return writeWhole(out, at, value);
    out[at] = 45;
    return writeWhole(out, at + 1, -value);
  }
  const text = numberText(value);
  for (let i = 0; i < text.length; i++) out[at++] = text.charCodeAt(i);
  return at;
}

/** Shortest text that reads back as the same number; the format wants `+Inf`, `-Inf` and `NaN`. */
export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

function writeWhole(out: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    out[at] = ZERO + value;
    return at + 1;
  }
  if (value <= 0x7fffffff) {
    const end = at + digits(value);
    writeDigits(out, at, end, value | 0);
    return end;
  }
  const high = Math.floor(value / 1e9);
  const middle = writeWhole(out, at, high);
  writeDigits(out, middle, middle + 9, (value - high * 1e9) | 0);
  return middle + 9;
}

/** Decimal digits of `value` right-aligned in out[from, to), with zeros in front. */
function writeDigits(out: Uint8Array, from: number, to: number, value: number): void {
  let rest = value;
  for (let at = to - 1; at >= from; at--) {
    const next = (rest / 10) | 0;
    out[at] = ZERO + rest - next * 10;
    rest = next;
  }
}

function digits(value: number): number {
  if (value < 100000) {
    if (value < 1000) return value < 100 ? 2 : 3;
    return value < 10000 ? 4 : 5;
  }
  if (value < 10000000) return value < 1000000 ? 6 : 7;
  if (value < 1000000000) return value < 100000000 ? 8 : 9;
  return 10;
}
