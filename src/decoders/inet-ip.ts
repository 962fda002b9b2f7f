import type { DecoderKind } from './decoder.ts';
import { sizeError } from './integers.ts';

/**
 * 4 bytes of an IPv4 address or 16 of an IPv6 address, in network order → text as Go's net.IP writes it:
 * RFC 5952 for IPv6, the dotted form alone for an IPv4-mapped one.
 */
export const inetIp = {
  name: 'inet_ip',
  create: () => (input) => {
    if (input.length === 4) return Buffer.from(dotted(input, 0), 'latin1');
    if (input.length === 16) return Buffer.from(isMapped(input) ? dotted(input, 12) : colons(input), 'latin1');
    throw sizeError(input, 'inet_ip', '4 or 16');
  },
} as const satisfies DecoderKind;

function dotted(input: Buffer, offset: number): string {
  return `${input[offset]}.${input[offset + 1]}.${input[offset + 2]}.${input[offset + 3]}`;
}

/** ::ffff:0:0/96, RFC 4291 section 2.5.5.2. */
function isMapped(input: Buffer): boolean {
  for (let i = 0; i < 10; i++) if (input[i] !== 0) return false;
  return input[10] === 0xff && input[11] === 0xff;
}

/** RFC 5952 section 4: no leading zeros, lower case, `::` for the longest run of two or more zero groups, the first of equals. */
function colons(input: Buffer): string {
  let gapStart = 0;
  let gapLength = 1;
  let runLength = 0;
  for (let group = 0; group < 8; group++) {
    runLength = input.readUInt16BE(group * 2) === 0 ? runLength + 1 : 0;
    if (runLength > gapLength) {
      gapLength = runLength;
      gapStart = group - runLength + 1;
    }
  }
  if (gapLength === 1) return groups(input, 0, 8);
  return `${groups(input, 0, gapStart)}::${groups(input, gapStart + gapLength, 8)}`;
}

function groups(input: Buffer, from: number, to: number): string {
  let text = '';
  for (let group = from; group < to; group++) {
    if (group > from) text += ':';
    text += input.readUInt16BE(group * 2).toString(16);
  }
  return text;
}
