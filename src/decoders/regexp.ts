import { isUtf8 } from 'node:buffer';
import { MeterError } from '../errors.ts';
import type { DecoderKind } from './decoder.ts';
import { compileRe2, PatternError } from './re2.ts';
import { sequenceLength } from './utf8.ts';

/**
 * Text → what the first of `regexps` that matches finds: its first group if it has one, else the whole match. Where none matches
 * the series is dropped. (In ebpf_exporter a regexp with two groups or more never matches; here its first group counts.)
 */
export const regexp = {
  name: 'regexp',
  create(plan) {
    if (plan.regexps === undefined || plan.regexps.length === 0) {
      throw new MeterError('config', 'decoder regexp: it has no regexps', {
        remedy: 'Give it `regexps: [REGEXP, …]`.',
      });
    }
    const patterns = plan.regexps.map(compile);
    return (input) => {
      const valid = isUtf8(input);
      const text = valid ? input.toString('utf8') : withStrayBytes(input);
      for (const pattern of patterns) {
        const match = pattern.exec(text);
        if (match === null) continue;
        const found = match.length > 1 ? (match[1] ?? '') : match[0];
        if (found.length === text.length) return input;
        return valid ? Buffer.from(found) : withoutStrayBytes(found);
      }
      return undefined;
    };
  },
} as const satisfies DecoderKind;

function compile(pattern: string): ReturnType<typeof compileRe2> {
  try {
    return compileRe2(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new MeterError('config', `decoder regexp: "${pattern}": ${error.message}`, { cause: error });
  }
}

/** Each byte that isn't UTF-8 as the lone surrogate U+DC00 + byte: one character to a regexp, and found again in what it matched. */
function withStrayBytes(bytes: Buffer): string {
  let text = '';
  for (let offset = 0; offset < bytes.length; ) {
    const length = sequenceLength(bytes, offset);
    text +=
      length === 0 ? String.fromCharCode(0xdc00 + bytes[offset]!) : bytes.toString('utf8', offset, offset + length);
    offset += length || 1;
  }
  return text;
}

function withoutStrayBytes(text: string): Buffer {
  const parts: Buffer[] = [];
  for (const character of text) {
    const point = character.codePointAt(0)!;
    const stray = point >= 0xdc80 && point <= 0xdcff;
    parts.push(stray ? Buffer.of(point - 0xdc00) : Buffer.from(character));
  }
  return Buffer.concat(parts);
}
