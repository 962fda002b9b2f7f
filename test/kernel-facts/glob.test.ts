import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileGlob, isExact } from '../../src/kernel/glob.ts';

const cases: readonly [glob: string, matches: readonly string[], others: readonly string[]][] = [
  ['vfs_read', ['vfs_read'], ['vfs_readv', 'xvfs_read', 'vfs_rea', 'VFS_READ', '']],
  ['vfs_*', ['vfs_', 'vfs_read'], ['vfs', 'xvfs_read']],
  ['*_read', ['_read', 'vfs_read', 'a_b_read'], ['vfs_reads']],
  ['*', ['', 'a', 'a.isra.0'], []],
  ['vfs_rea?', ['vfs_read'], ['vfs_rea', 'vfs_ready']],
  ['[vw]fs_*', ['vfs_x', 'wfs_x'], ['xfs_x', '[vw]fs_x']],
  ['a[0-9]', ['a0', 'a9'], ['aa', 'a-', 'a10']],
  ['a[!0-9]', ['aa', 'a!'], ['a0']],
  ['a[x-z0-1-]', ['ax', 'az', 'a1', 'a-'], ['a2', 'aw']],
  ['a[z-x]', [], ['ax', 'ay', 'az', 'a-']],
  ['a[^b]', ['a^', 'ab'], ['ac']],
  ['a.isra.0', ['a.isra.0'], ['aXisraX0']],
  ['a.*.[0-9]', ['a.isra.0'], ['a_isra.0']],
  ['a-b', ['a-b'], ['ab']],
  ['*a*b', ['ab', 'aab', 'xaxb', 'abab'], ['ba', 'aba', 'b']],
  ['*ab?*', ['abc', 'aabab_', 'ababab'], ['ab', 'aab']],
  ['[!]', ['!'], ['a', '']],
  ['[\\]', ['\\'], ['a']],
];

for (const [glob, matches, others] of cases) {
  test(`"${glob}"`, () => {
    const test = compileGlob(glob);
    for (const name of matches) assert.equal(test(name), true, `"${name}"`);
    for (const name of others) assert.equal(test(name), false, `"${name}"`);
  });
}

test('a name without what stands for others is exact', () => {
  for (const text of ['vfs_read', 'a.isra.0']) assert.equal(isExact({ text, excludes: false }), true, text);
  for (const text of ['vfs_*', 'vfs_rea?', '[ab]c']) assert.equal(isExact({ text, excludes: false }), false, text);
});

test('many stars take no longer than in proportion to the name', () => {
  assert.equal(compileGlob(`${'*a'.repeat(30)}*b`)('a'.repeat(500)), false);
});
