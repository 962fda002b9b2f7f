import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const declaration = /^export (?:abstract |async )*(?:const|let|function\*?|class|interface|type|enum) (?<name>\w+)/gm;
const imported = /^(?:import|export) (?:type )?(?<names>[^;'"]*?) from '(?<path>\.[^']+)'/gm;
/** Modules that are taken as a whole. */
const whole = /\bimport\('(?<path>\.[^']+)'\)/g;

/** What each text, by its path, exports and no other of them imports, as `PATH: NAME`. */
function unusedExports(texts: ReadonlyMap<string, string>): string[] {
  const used = new Set<string>();
  for (const [file, text] of texts) {
    for (const { groups } of text.matchAll(imported)) {
      const target = join(dirname(file), groups!.path!);
      if (groups!.names!.includes('*')) used.add(target);
      for (const name of groups!.names!.matchAll(/(\w+)(?: as \w+)?\s*[,}]/g)) used.add(`${target}: ${name[1]}`);
    }
    for (const { groups } of text.matchAll(whole)) used.add(join(dirname(file), groups!.path!));
  }
  return [...texts].flatMap(([file, text]) => {
    if (used.has(file)) return [];
    return [...text.matchAll(declaration)]
      .map(({ groups }) => `${file}: ${groups!.name}`)
      .filter((one) => !used.has(one));
  });
}

test('what is exported is imported', () => {
  // Those of test/fuzz are loaded by their names.
  const files = globSync('{src,test,bench}/**/*.{ts,mjs}', { cwd: root }).filter((file) => !file.includes('/targets/'));
  const targets = globSync('test/fuzz/**/targets/*.ts', { cwd: root });
  const text = (file: string) => readFileSync(join(root, file), 'utf8');
  const texts = new Map([...files, ...targets].map((file) => [file, text(file)]));
  const unused = unusedExports(texts).filter((one) => !targets.some((file) => one === `${file}: start`));
  assert.deepEqual(unused, []);
  assert.ok(files.length > 500);
});

test('an export that nobody imports is seen', () => {
  const texts = new Map([
    ['a/one.ts', 'export const used = 1;\nexport interface Other {}\nexport async function lost() {}\n'],
    ['a/two.ts', "import { type Other as Another, used } from './one.ts';\nexport class Unused {}\n"],
    ['b/three.ts', "export type Kind = 1;\nconst { x } = await import('../a/four.ts');\n"],
    ['a/four.ts', 'export const x = 1;\n'],
  ]);
  assert.deepEqual(unusedExports(texts), ['a/one.ts: lost', 'a/two.ts: Unused', 'b/three.ts: Kind']);
});
