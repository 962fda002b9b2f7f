import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import { labelText } from '../../src/decoders/label-text.ts';

const cases: readonly (readonly [bytes: readonly number[] | string, text: string])[] = [
  ['', ''],
  ['bash', 'bash'],
  ['a"b\\c\nd', 'a"b\\c\nd'],
  ['žluťoučký 🐎', 'žluťoučký 🐎'],
  ['\ufeffBOM', '\ufeffBOM'],
  ['nul\0', 'nul\0'],
  ['\uffff\u{10ffff}', '\uffff\u{10ffff}'],
  [[0xff], '\ufffdff'],
  [[0x61, 0xff, 0x62], 'a\ufffdffb'],
  [[0xfe, 0x01], '\ufffdfe\u0001'],
  ['\ufffd', '\ufffdef\ufffdbf\ufffdbd'],
  ['\ufffdff', '\ufffdef\ufffdbf\ufffdbdff'],
  ['é\ufffdé', 'é\ufffdef\ufffdbf\ufffdbdé'],
  // Overlong, surrogates, above U+10FFFF, cut off.
  [[0xc0, 0x80], '\ufffdc0\ufffd80'],
  [[0xe0, 0x80, 0x80], '\ufffde0\ufffd80\ufffd80'],
  [[0xed, 0xa0, 0x80], '\ufffded\ufffda0\ufffd80'],
  [[0xf0, 0x80, 0x80, 0x80], '\ufffdf0\ufffd80\ufffd80\ufffd80'],
  [[0xf4, 0x90, 0x80, 0x80], '\ufffdf4\ufffd90\ufffd80\ufffd80'],
  [[0xc3], '\ufffdc3'],
  [[0xe2, 0x82], '\ufffde2\ufffd82'],
  [[0xe2, 0x82, 0x41], '\ufffde2\ufffd82A'],
  [[0xf0, 0x9f, 0x90, 0xe2, 0x82, 0xac], '\ufffdf0\ufffd9f\ufffd90€'],
];

for (const [bytes, text] of cases) {
  test(`${JSON.stringify(bytes)} → ${JSON.stringify(text)}`, () => {
    assert.equal(labelText(Buffer.from(bytes as string)), text);
  });
}

/** Inverse of labelText, written without looking at how it works. */
function original(text: string): Buffer {
  const parts: Buffer[] = [];
  for (const piece of text.split(/(\ufffd[0-9a-f]{2})/)) {
    parts.push(piece.startsWith('\ufffd') ? Buffer.from(piece.slice(1), 'hex') : Buffer.from(piece));
  }
  return Buffer.concat(parts);
}

test('different bytes give different text: the bytes are found again in it', () => {
  // Bytes that make and break sequences, and the text of an escape itself.
  const alphabet = [
    0x41, 0x66, 0x30, 0x80, 0x90, 0x9f, 0xa0, 0xbd, 0xbf, 0xc0, 0xc3, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xff,
  ];
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(
      Array.from({ length: random(9) }, () => (round % 2 === 0 ? alphabet[random(alphabet.length)]! : random(256))),
    );
    const text = labelText(bytes);
    assert.ok(text.isWellFormed());
    assert.deepEqual(original(text), bytes);
    if (isUtf8(bytes) && !bytes.includes('\ufffd')) assert.equal(text, bytes.toString());
  }
});

test('every pair of bytes gives a text of its own', () => {
  const texts = new Set<string>();
  for (let pair = 0; pair < 65_536; pair++) texts.add(labelText(Buffer.of(pair >> 8, pair & 0xff)));
  assert.equal(texts.size, 65_536);
});
