import { otlp } from './read.ts';

export const secret = 's3cr3t';

/** A file that has the secret wherever one may be. */
export const secretFile = otlp(
  'endpoint: "https://collector:4317"',
  'compression: gzip',
  'tls: {insecure: false}',
  'headers:',
  '  - name: authorization',
  `    value: "Bearer ${secret}"`,
  `  - {name: x-key, value: ${secret}}`,
  `headers_list: b=${secret},c=1`,
  'timeout: 1000',
);

const pieces = [
  ...[' ', '\n', ':', ': ', '"', "'", '#', ' #', '{', '}', '[', ']', ',', '- ', '&', '*', '!', '|', '>', '%', '?', 'x'],
  ...['\t', '<<: '],
];

/** One to four slips of a character, never in the secret itself, of which a part would be looked for in vain. */
export function withSlips(whole: string, below: (limit: number) => number): string {
  let text = whole;
  for (let slip = 0, most = below(4); slip <= most; slip++) {
    let at = below(text.length);
    while (/s3c?r?3?c?r?3?t?$/.test(text.slice(Math.max(at - 6, 0), at)) && !text.slice(0, at).endsWith(secret)) at--;
    const isRemoval = below(2) === 0 && !text.startsWith('s3', at);
    text = text.slice(0, at) + (isRemoval ? '' : pieces[below(pieces.length)]!) + text.slice(isRemoval ? at + 1 : at);
  }
  return text;
}
