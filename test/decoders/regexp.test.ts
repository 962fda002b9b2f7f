import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecoder } from '../../src/decoders/registry.ts';
import { kernelTable } from './kernel-table.ts';

function run(regexps: readonly string[], input: string | Buffer): string | undefined {
  const output = createDecoder([{ name: 'regexp', regexps }], kernelTable)(Buffer.from(input as string));
  return output?.toString();
}

const cases: readonly (readonly [regexps: string | readonly string[], input: string, output: string | undefined])[] = [
  // What is found.
  ['^systemd-journal$', 'systemd-journal', 'systemd-journal'],
  [['^zsh$', '^bash$'], 'bash', 'bash'],
  [['^zsh$', '^bash$'], 'fish', undefined],
  [['a', 'ab'], 'ab', 'a'],
  ['^(systemd).*$', 'systemd-bananad', 'systemd'],
  ['^(a)(b)', 'abc', 'a'],
  ['(a)|b', 'b', ''],
  ['b+', 'abbc', 'bb'],
  ['a|ab', 'ab', 'a'],
  ['', 'abc', ''],
  ['^$', '', ''],
  ['žl(u)ť', 'žluťoučký', 'u'],
  ['^..$', '🐎é', '🐎é'],
  // RE2 syntax.
  ['^(?P<first>.)(?P<second>.)', 'xy', 'x'],
  ['^(?<first>.)(?<second>.)', 'xy', 'x'],
  ['(?i)BASH', 'bash', 'bash'],
  ['(?i:B)ash', 'bash', 'bash'],
  ['(?i:B)ASH', 'bash', undefined],
  ['(?i)b(?-i:A)sh', 'bash', undefined],
  ['(?s)a.b', 'a\nb', 'a\nb'],
  ['a.b', 'a\nb', undefined],
  ['a.b', 'a\rb', 'a\rb'],
  ['a(?s:.)b', 'a\nb', 'a\nb'],
  ['(?s)a(?-s:.)b', 'a\nb', undefined],
  ['(?m)^b$', 'a\nb\nc', 'b'],
  ['(?m)^b$', 'a\rb', undefined],
  ['^b$', 'a\nb\nc', undefined],
  ['(?m)\\Ab', 'a\nb', undefined],
  ['(?m)a\\z', 'a\nb', undefined],
  ['\\Aab\\z', 'ab', 'ab'],
  ['\\bb', 'a b', 'b'],
  ['a\\.b\\-c\\_d\\/e', 'a.b-c_d/e', 'a.b-c_d/e'],
  ['a/b', 'a/b', 'a/b'],
  ['\\Qa.b(\\E+', 'a.b((', 'a.b(('],
  ['\\Qa.b', 'axb', undefined],
  ['\\d+\\s\\w+', '12 ab', '12 ab'],
  ['^\\w+$', 'é', undefined],
  ['^\\s$', '\u00a0', undefined],
  ['^\\s$', '\v', undefined],
  ['^[\\s\\d]+$', '1 2', '1 2'],
  ['^[^\\s]+', 'ab c', 'ab'],
  ['^[\\D]+', 'ab1', 'ab'],
  ['[[:alpha:]]+', '12ab34', 'ab'],
  ['^[[:^alpha:]_]+', '12_ab', '12_'],
  ['^[[:punct:]]+$', '!/:@[`{~', '!/:@[`{~'],
  ['^[]a]+$', ']a', ']a'],
  ['^[^]a]+$', 'b', 'b'],
  ['^[a-c-]+$', 'a-c', 'a-c'],
  ['^[-a]+$', '-a', '-a'],
  ['^[a&&b!!(){}/|]+$', '&!(|', '&!(|'],
  ['^[\\x41-\\x{43}]+$', 'ABC', 'ABC'],
  ['^\\x41\\x{1F40E}\\101\\t\\a$', 'A🐎A\t\x07', 'A🐎A\t\x07'],
  ['^\\pL+$', 'aé', 'aé'],
  ['^\\p{Greek}+', 'αβx', 'αβ'],
  ['^\\P{Greek}+', 'xα', 'x'],
  ['^\\p{^Greek}+', 'xα', 'x'],
  ['^[\\p{Lu}\\d]+', 'ÉA1é', 'ÉA1'],
  ['^a{2}b{1,}c{0,1}$', 'aab', 'aab'],
  ['^a{,2}$', 'a{,2}', 'a{,2}'],
  ['^\\{1}$', '{1}', '{1}'],
  ['a]}', 'a]}', 'a]}'],
  ['a+?', 'aaa', 'a'],
  ['(?U)a+', 'aaa', 'a'],
  ['(?U)a+?', 'aaa', 'aaa'],
  ['a(?i)b', 'aB', 'aB'],
  ['a(?i)b', 'AB', undefined],
  ['(a(?i)b)c', 'aBC', undefined],
  ['^(|a)+$', 'aaa', 'a'],
  ['(a*)+', 'b', ''],
];

for (const [regexps, input, output] of cases) {
  test(`${JSON.stringify(regexps)} on ${JSON.stringify(input)}`, () => {
    assert.equal(run(typeof regexps === 'string' ? [regexps] : regexps, input), output);
  });
}

const invalid: readonly (readonly [pattern: string, cause: RegExp])[] = [
  ['(', /"\(": missing closing \): "\("$/],
  ['a)', /unexpected \)/],
  ['[a', /missing closing \]: "\[a"/],
  ['[z-a]', /invalid character class range: "z-a"/],
  ['[[:alpa:]]', /invalid character class range: "\[:alpa:\]"/],
  ['*a', /"\*a": missing argument to repetition operator: "\*"/],
  ['a**', /invalid nested repetition operator: "\*\*"/],
  ['a{2,1}', /invalid repeat count: "\{2,1\}"/],
  ['a{1001}', /invalid repeat count/],
  ['((a{100}){100}){100}', /invalid repeat count/],
  ['\\', /trailing backslash at end of expression$/],
  ['(a)\\1', /invalid escape sequence: "\\1"; RE2 syntax has no back references/],
  ['\\Z', /invalid escape sequence: "\\Z"$/],
  ['\\C', /invalid escape sequence/],
  ['\\p{Klingon}', /invalid character class range: "\\p\{Klingon\}"/],
  ['(?=a)', /invalid or unsupported Perl syntax: "\(\?="; RE2 syntax has no lookaround/],
  ['(?<!a)', /"\(\?<!a\)"; RE2 syntax has no lookaround/],
  ['(?x)a', /invalid or unsupported Perl syntax: "\(\?x"/],
  ['(?P=a)', /invalid or unsupported Perl syntax/],
  ['(?i-m-s:a)', /invalid or unsupported Perl syntax/],
  ['(?P<a>x)(?P<a>y)', /duplicate capture group name: "a"/],
];

for (const [pattern, cause] of invalid) {
  test(`the pattern ${pattern} is refused with its cause`, () => {
    assert.throws(
      () => run([pattern], ''),
      (error: Error & { code?: string }) =>
        error.code === 'config' && error.message.includes(`"${pattern}"`) && cause.test(error.message),
    );
  });
}

test('a pattern takes no longer than in proportion to the text, whoever chose that', () => {
  // Each takes a backtracking engine longer than anybody waits; the times of 40 bytes are doubled by one more.
  const evil: readonly (readonly [pattern: string, text: string])[] = [
    ['^(([a-z0-9]+-?)+)\\.example\\.com$', 'a'.repeat(200)],
    ['(x+x+)+y', 'x'.repeat(200)],
    ['^(a|a)*$', `${'a'.repeat(200)}b`],
    ['.*a.*a.*a.*a.*a.*a.*a.*b', 'a'.repeat(4000)],
    ['^(?:a?){50}a{50}b$', 'a'.repeat(60)],
  ];
  for (const [pattern, text] of evil) assert.equal(run([pattern], text), undefined, pattern);
});

test('bytes that are not UTF-8 are a character each and come out as they were', () => {
  const decode = createDecoder([{ name: 'regexp', regexps: ['^a(..)é'] }], kernelTable);
  assert.deepEqual(decode(Buffer.from('61ff80c3a9', 'hex')), Buffer.of(0xff, 0x80));
  assert.equal(decode(Buffer.from('61ffc3a9', 'hex')), undefined);
  const all = createDecoder([{ name: 'regexp', regexps: ['.*'] }], kernelTable);
  assert.deepEqual(all(Buffer.of(0x61, 0xed, 0xa0, 0x80)), Buffer.of(0x61, 0xed, 0xa0, 0x80));
});
