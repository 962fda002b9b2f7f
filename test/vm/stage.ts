import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { buildLoad } from '../../bench/kernel/build.ts';
import { compileFixture } from '../fixtures/compile.ts';

const root = join(import.meta.dirname, '../..');
const folders = ['bench', 'config', 'programs', 'src', 'test', 'build/programs', 'build/fixtures', 'build/bench'];

/**
 * Copies what the tests need to a folder of its own, so that all kernels test the same state, and compiles before what
 * tests would compile: an emulated CPU takes minutes. Types are taken out here, since Node's stripper, WebAssembly,
 * takes seconds there and crashes V8 in one of ten processes. `withoutTypes` is to be imported by every Node.
 */
export function stage(target: string): { withoutTypes: string } {
  buildLoad('load');
  buildLoad('network');
  for (const file of globSync('test/fixtures/**/*.bpf.c', { cwd: root })) {
    compileFixture(file.slice('test/fixtures/'.length, -'.bpf.c'.length));
  }
  for (const folder of folders.filter((name) => existsSync(join(root, name)))) {
    cpSync(join(root, folder), join(target, folder), { recursive: true, preserveTimestamps: true });
  }
  cpSync(join(root, 'package.json'), join(target, 'package.json'));
  mkdirSync(join(target, 'node_modules'));
  const sources = globSync('{bench,src,test}/**/*.ts', { cwd: target });
  for (const source of sources)
    writeFileSync(join(target, source), stripTypeScriptTypes(readFileSync(join(target, source), 'utf8')));
  const withoutTypes = join(target, 'without-types.mjs');
  writeFileSync(withoutTypes, hook);
  return { withoutTypes };
}

/** A disk of 1 GiB, most of it free, whose ext4 file system holds what the folder does. */
export function writeDisk(folder: string, path: string): void {
  writeFileSync(path, '');
  truncateSync(path, 2 ** 30);
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  execFileSync('mkfs.ext4', ['-q', '-E', 'root_owner=0:0', '-d', folder, path], { env });
}

const hook = `import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  load: (url, context, next) =>
    url.startsWith('file:') && url.endsWith('.ts')
      ? { format: 'module', source: readFileSync(new URL(url)), shortCircuit: true }
      : next(url, context),
});
`;
