import { isUtf8 } from 'node:buffer';
import { sequenceLength } from './utf8.ts';

const REPLACEMENT = '\ufffd';

/**
 * The final bytes of a label as valid text: UTF-8 stays as it is; a byte that isn't part of well-formed UTF-8 becomes U+FFFD and
 * two hex digits, and a U+FFFD in the input becomes three such bytes, so that different bytes never give the same text.
 */
export function labelText(bytes: Buffer): string {
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    if (!text.includes(REPLACEMENT)) return text;
  }
  return escaped(bytes);
}

function escaped(bytes: Buffer): string {
  let text = '';
  let valid = 0;
  let offset = 0;
  while (offset < bytes.length) {
    const length = isReplacement(bytes, offset) ? 0 : sequenceLength(bytes, offset);
    if (length > 0) {
      offset += length;
      continue;
    }
    text += bytes.toString('utf8', valid, offset) + REPLACEMENT + bytes.toString('hex', offset, offset + 1);
    offset++;
    valid = offset;
  }
  return text + bytes.toString('utf8', valid);
}

/** U+FFFD's second and third byte can't begin a sequence, so escaping the first one escapes them too. */
function isReplacement(bytes: Buffer, offset: number): boolean {
  return bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd;
}
