import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRe2 } from '../../src/decoders/re2.ts';
import { automatonOf } from '../../src/decoders/re2-automaton.ts';
import { automatonMatches } from './automaton-matches.ts';

const prefix = '/sys/fs/cgroup';
const patterns: readonly (readonly string[])[] = [
  ['^/sys/fs/cgroup/system.slice/.*$'],
  ['/test-[ab]$'],
  ['nginx\\.service', '^.*/kubepods.*/cri-[0-9a-f]{12}\\.scope$'],
  ['^/sys/fs/cgroup/(user|system)\\.slice$'],
  ['(?i)NGINX'],
  [''],
  ['^$'],
  ['cgroup/?$'],
  ['\\bnginx\\b'],
  ['\\Bx'],
  ['(?m)^b$'],
  ['a.c', '[^/]{3}$'],
  ['^(([a-z0-9]+-?)+)\\.example\\.com$'],
  ['(a|b)*abb/?$'],
  ['[[:^alpha:]]x', '\\d+'],
  ['K'],
  ['(?i)k'],
];
const texts = [
  ...['', '/', '/system.slice', '/system.slice/', '/system.slice/nginx.service', '/test-a', '/test-c', '/x/test-b'],
  ...[
    '/user.slice',
    '/user.slice/x',
    '/NGINX',
    '/a nginx b',
    '/anginxb',
    '/a\nb',
    '/a\nb\nc',
    '/abc',
    '/a\nc',
    '/babb',
  ],
  ...[
    '/babb/',
    '/kubepods.slice/pod1/cri-0123456789ab.scope',
    '/kubepods/cri-0123456789aB.scope',
    '/_x',
    '/-x',
    '/7',
    '/k',
  ],
];

for (const list of patterns) {
  test(`${JSON.stringify(list)} as an automaton says what the patterns say`, () => {
    const compiled = list.map(compileRe2);
    const automaton = automatonOf(compiled, prefix);
    assert.ok(automaton !== undefined);
    for (const text of texts) {
      const expected = compiled.some((pattern) => pattern.test(prefix + text));
      assert.equal(automatonMatches(automaton, text), expected, JSON.stringify(text));
    }
  });
}

test('patterns that would need too many states have none', () => {
  assert.equal(automatonOf([compileRe2('a.{12}$')], prefix), undefined);
  assert.notEqual(automatonOf([compileRe2('a.{5}$')], prefix), undefined);
});
