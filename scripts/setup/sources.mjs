// src → dist: what is published, since Node takes no TypeScript under node_modules, and what `npm start` runs, since
// stripping types at run time costs 20 MB and 100 ms.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { modified, root } from './paths.mjs';
import { SetupError, say } from './report.mjs';

const output = join(root, 'dist');
/** Written last, so that an interrupted build is not taken for a whole one. */
const stamp = join(output, '.built');

/** Whether a source, or what says how to compile it, is newer than the last build. */
export function areSourcesOutdated() {
  const built = modified(stamp) ?? 0;
  const sources = readdirSync(join(root, 'src'), { recursive: true }).map((file) => join('src', file));
  return ['tsconfig.json', 'tsconfig.build.json', ...sources].some((file) => modified(join(root, file)) > built);
}

/** Compiles src into an empty dist. Throws SetupError with the compiler's first error. */
export async function buildSources() {
  say('compiling the sources with tsc, for dist');
  // Files whose sources are gone must not be published.
  rmSync(output, { recursive: true, force: true });
  const bin = join(root, 'node_modules/.bin');
  const { ok, stdout, stderr } = await run(join(bin, 'tsc'), ['-p', 'tsconfig.build.json', '--pretty', 'false'], {
    cwd: root,
    env: { PATH: `${bin}:${process.env.PATH}` },
  });
  if (!ok) {
    throw new SetupError(`the sources don't compile: ${(stdout + stderr).trim().split('\n')[0]}`);
  }
  writeFileSync(stamp, '');
}
