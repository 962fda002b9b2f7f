// programs/NAME.bpf.c → build/programs/NAME.bpf.o, and the same of programs/generic, which maps without C are counted by.
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './command.mjs';
import { findCommand, modified, root } from './paths.mjs';
import { SetupError, say } from './report.mjs';
import { clangNames } from './system.mjs';

const sources = join(root, 'programs');
const headers = join(sources, 'include');
const objects = join(root, 'build/programs');
const oldestClang = 14;
const generic = 'generic';

/** Names of the programs whose object is missing or older than the source, a header or these flags. */
export function outdatedPrograms() {
  const names = known(sources, '.bpf.c');
  const newestHeader = Math.max(
    modified(fileURLToPath(import.meta.url)),
    ...list(headers, '.h').map((name) => modified(join(headers, `${name}.h`))),
  );
  return names.filter((name) => {
    const newest = Math.max(newestHeader, modified(join(sources, `${name}.bpf.c`)));
    return (modified(join(objects, `${name}.bpf.o`)) ?? 0) < newest;
  });
}

/** Compiles the named programs, and removes the objects of programs that are gone. */
export async function compilePrograms(names) {
  const wanted = new Set(known(sources, '.bpf.c'));
  for (const name of known(objects, '.bpf.o')) {
    if (!wanted.has(name)) {
      rmSync(join(objects, `${name}.bpf.o`));
    }
  }
  if (names.length === 0) {
    return;
  }

  const clang = await findClang();
  mkdirSync(join(objects, generic), { recursive: true });
  say(
    `compiling ${names.length === 1 ? 'a BPF program' : `${names.length} BPF programs`} (${names.join(', ')}) with ${basename(clang)}`,
  );
  const queue = [...names];
  const problems = [];
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const problem = await compile(clang, name);
      if (problem !== undefined) {
        problems.push(problem);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  if (problems.length > 0) {
    throw new SetupError(problems.sort().join('\nsetup: '));
  }
}

async function compile(clang, name) {
  const source = join(sources, `${name}.bpf.c`);
  const object = join(objects, `${name}.bpf.o`);
  const unfinished = `${object}.${process.pid}`;
  const result = await run(
    clang,
    [
      ...['-target', 'bpf', '-O2', '-g', '-mcpu=v3', '-Wall', '-Werror', '-I', relative(root, headers)],
      ...['-c', relative(root, source), '-o', unfinished],
    ],
    { cwd: root },
  );
  if (!result.ok) {
    rmSync(unfinished, { force: true });
    const first = /^.*\berror: .*$/m.exec(result.stderr)?.[0] ?? result.stderr.trim().split('\n')[0];
    return `programs/${name}.bpf.c doesn't compile: ${first}`;
  }
  renameSync(unfinished, object);
  return undefined;
}

async function findClang() {
  const clang = findCommand(clangNames);
  if (clang === undefined) {
    throw new SetupError(`clang: none of ${clangNames.join(', ')} is on PATH: install clang ${oldestClang} or newer`);
  }
  const { stdout } = await run(clang, ['--version']);
  const major = Number(/version (\d+)/.exec(stdout)?.[1]);
  if (major < oldestClang) {
    throw new SetupError(`${clang}: version ${major} is too old: install clang ${oldestClang} or newer`);
  }
  return clang;
}

/** Names of the files that end so, without the ending: `block`, `generic/functions`. */
function known(folder, ending) {
  return [...list(folder, ending), ...list(join(folder, generic), ending).map((name) => `${generic}/${name}`)];
}

/** Names of the files in a folder that end so, without the ending; none where there is no such folder. */
function list(folder, ending) {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .map((name) => name.slice(0, -ending.length))
      .sort();
  } catch {
    return [];
  }
}
