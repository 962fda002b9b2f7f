import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { anchors, links } from './markdown.ts';
import { root } from './shipped.ts';

const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root })].sort();

for (const page of pages) {
  test(`${page} links to what is there`, () => {
    const wrong = links(readFileSync(join(root, page), 'utf8')).filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchors(readFileSync(join(root, target), 'utf8')).has(anchor);
    });
    assert.deepEqual(wrong, []);
  });
}

test('every page is linked from another', () => {
  const linked = new Set(
    pages.flatMap((page) =>
      links(readFileSync(join(root, page), 'utf8'))
        .map((link) => join(dirname(page), link.split('#')[0]!))
        .filter((target) => target !== page),
    ),
  );
  assert.deepEqual(
    pages.filter((page) => page !== 'README.md' && !linked.has(page)),
    [],
  );
});

test('files of ours that pages and comments name are there', () => {
  const ours = globSync('{src,programs,bench,test,scripts}/**/*.{ts,c,h}', { cwd: root }).map((file) => `/${file}`);
  const texts = [...pages, ...globSync('{src,programs,bench}/**/*.{ts,c,h}', { cwd: root })];
  // What begins with a dot is an import, which the compiler looks after.
  const named = /(?<![\w./-])[\w/-][\w./-]*\.(?:ts|bpf\.[ch])\b/g;
  const wrong = texts.flatMap((text) =>
    [...readFileSync(join(root, text), 'utf8').matchAll(named)]
      .map(([name]) => name)
      .filter((name) => !name.includes('NAME.') && !ours.some((file) => file.endsWith(`/${name}`)))
      .map((name) => `${text}: ${name}`),
  );
  assert.deepEqual(wrong, []);
});
