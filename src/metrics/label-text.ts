import type { Attributes } from '@opentelemetry/api';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_N = 0x6e;
const LINE_FEED = 0x0a;

/** `name="value",…` with the value escaped as the Prometheus text format asks (backslash, quote, line feed). */
export function labelsText(names: readonly string[], values: readonly string[]): string {
  let text = '';
  for (let i = 0; i < names.length; i++) {
    const value = values[i]!;
    if (i > 0) text += ',';
    text += `${names[i]}="`;
    text += /[\\"\n]/.test(value) ? value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`)) : value;
    text += '"';
  }
  return text;
}

/**
 * Goes along the text that labelsText made, as UTF-8, label by label. It is one object for many texts, since there may be a
 * hundred thousand of them in a reading.
 */
export class LabelReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Goes to the text that begins here. */
  begin(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Passes over so many bytes: to the value where they are those of the comma, the name and `="`. */
  skip(count: number): void {
    this.#at += count;
  }

  /** The same where the name isn't known; it is a legacy one, without quotes. */
  skipName(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    while (bytes[at] !== QUOTE) at++;
    this.#at = at + 1;
  }

  /** Copies the value as it is written, with the quote behind it; answers the end in `out`. */
  copyText(out: Uint8Array, start: number): number {
    const bytes = this.#bytes;
    let from = this.#at;
    let at = start;
    for (;;) {
      const byte = bytes[from++]!;
      out[at++] = byte;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) out[at++] = bytes[from++]!;
    }
    this.#at = from;
    return at;
  }

  /** Copies what the value stands for; answers the end in `out`. */
  copyValue(out: Uint8Array, start: number): number {
    const bytes = this.#bytes;
    let from = this.#at;
    let at = start;
    for (;;) {
      let byte = bytes[from++]!;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        byte = bytes[from++]!;
        if (byte === LETTER_N) byte = LINE_FEED;
      }
      out[at++] = byte;
    }
    this.#at = from;
    return at;
  }
}

/** The opposite of labelsText, of so many bytes from `start`: values in order, under the names given here. */
export function readLabels(bytes: Uint8Array, start: number, length: number, names: readonly string[]): Attributes {
  const attributes: Attributes = {};
  const value = Buffer.allocUnsafe(length);
  const reader = new LabelReader();
  reader.begin(bytes, start);
  for (const name of names) {
    reader.skipName();
    attributes[name] = value.toString('utf8', 0, reader.copyValue(value, 0));
  }
  return attributes;
}
