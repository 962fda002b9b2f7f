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
];

for (const [regexps, input, output] of cases) {
  test(`${JSON.stringify(regexps)} on ${JSON.stringify(input)}`, () => {
    assert.equal(run(typeof regexps === 'string' ? [regexps] : regexps, input), output);
  });
}

const invalid: readonly (readonly [pattern: string, cause: RegExp])[] = [
  ['(', /"\(": a \( is not closed$/],
  ['a)', /a \) closes nothing/],
  ['[a', /a \[ is not closed/],
  ['[z-a]', /a range in \[\] ends before it begins/],
  ['[[:alpa:]]', /there is no class \[:alpa:\]/],
  ['*a', /"\*a": nothing to repeat/],
  ['a**', /nothing to repeat/],
  ['a{2,1}', /out of order/],
  ['\\', /it ends with a backslash/],
  ['(a)\\1', /no back references/],
  ['\\Z', /\\Z is no escape/],
  ['\\C', /\\C is no escape/],
  ['\\p{Klingon}', /invalid property name/],
  ['(?=a)', /no lookaround/],
  ['(?<!a)', /no lookaround/],
  ['(?U)a', /flag U is not supported/],
  ['(?x)a', /there is no flag x/],
  ['(?P=a)', /begins no group/],
  ['a(?i)b', /\(\?i\) is supported at the start only/],
  ['(?i-m-s:a)', /more than one -/],
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

test('bytes that are not UTF-8 are a character each and come out as they were', () => {
  const decode = createDecoder([{ name: 'regexp', regexps: ['^a(..)é'] }], kernelTable);
  assert.deepEqual(decode(Buffer.from('61ff80c3a9', 'hex')), Buffer.of(0xff, 0x80));
  assert.equal(decode(Buffer.from('61ffc3a9', 'hex')), undefined);
  const all = createDecoder([{ name: 'regexp', regexps: ['.*'] }], kernelTable);
  assert.deepEqual(all(Buffer.of(0x61, 0xed, 0xa0, 0x80)), Buffer.of(0x61, 0xed, 0xa0, 0x80));
});
