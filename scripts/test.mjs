// npm test: every step runs, so that one run shows all that is wrong; fails when one of them did. Without patterns it runs
// what takes a few minutes, and says what it leaves out; --only NAME runs such a part by itself.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './setup/paths.mjs';

/** What runs by name alone, since it takes long or needs what not all machines can have. */
const leftOut = [
  { name: 'slow tests of whole processes', files: /^test\/e2e\/slow\//, script: 'test:slow' },
  { name: 'parsers against random input', script: 'test:fuzz' },
  { name: 'a real Collector', files: /^test\/e2e\/collector\//, script: 'test:collector' },
  { name: 'a real Prometheus', files: /^test\/readers\/prometheus\/real-prometheus\./, script: 'test:prometheus' },
  { name: 'the files of deploy/', files: /^test\/deploy\//, script: 'test:deploy' },
  { name: 'the image', files: /^test\/container\//, script: 'test:container' },
  { name: 'other kernels', script: 'test:kernels' },
];

const { positionals, values } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const isByName = ({ script }) => script === values.only;
const checks = [
  { name: 'type check', command: ['tsc', '-p', '.'] },
  { name: 'linter', command: ['biome', 'check', '--colors=off'] },
];
const steps = [...(values.only === undefined ? checks : []), ...testSteps(filesOf(positionals))];

// Most of a process's start is compiling the sources, the same ones each time.
const env = { NODE_COMPILE_CACHE: join(root, 'build', 'compile-cache'), ...process.env };
const results = steps.map(({ name, command, skipped }) => {
  if (skipped !== undefined) {
    return { name, outcome: `skipped: ${skipped}` };
  }
  console.log(`\n${name}: ${command.length > 6 ? `${command.slice(0, 6).join(' ')} …` : command.join(' ')}`);
  const started = performance.now();
  const { status, error } = spawnSync(command[0], command.slice(1), {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  return { name, failed: status !== 0, outcome: status === 0 ? `ok (${seconds} s)` : `FAILED ${error?.message ?? ''}` };
});

console.log('');
for (const { name, outcome } of results) {
  console.log(`${name}: ${outcome}`);
}
if (positionals.length === 0 && values.only === undefined) {
  for (const { name, script } of leftOut) {
    console.log(`${name}: left out, npm run ${script}`);
  }
}
process.exitCode = results.some(({ failed }) => failed) ? 1 : 0;

/**
 * @param {string[]} patterns of test files; none: all of the part that is asked for.
 * @returns {string[]}
 */
function filesOf(patterns) {
  if (patterns.length > 0) {
    return globSync(patterns, { cwd: root }).sort();
  }
  const part = leftOut.find(isByName);
  const all = globSync('test/**/*.test.ts', { cwd: root }).sort();
  const isOther = (file) => leftOut.some(({ files }) => files?.test(file));
  return all.filter((file) => (values.only === undefined ? !isOther(file) : part?.files?.test(file)));
}

/**
 * Tests in test/kernel and test/e2e use the one kernel there is, and run one file after the other.
 * @param {string[]} files
 */
function testSteps(files) {
  const onKernel = files.filter((file) => /^test\/(kernel|e2e)\//.test(file));
  const pure = files.filter((file) => !onKernel.includes(file));
  const steps = [];
  if (files.length === 0) {
    steps.push({ name: 'tests', command: ['false'] });
  }
  if (pure.length > 0) {
    steps.push({ name: 'tests', command: [process.execPath, '--test', ...pure] });
  }
  if (onKernel.length > 0) {
    const isRoot = process.getuid() === 0;
    steps.push({
      name: 'tests on the kernel',
      command: [process.execPath, '--test', '--test-concurrency=1', ...onKernel],
      skipped: isRoot ? undefined : `loading BPF programs needs root (${onKernel.length} files)`,
    });
  }
  return steps;
}
