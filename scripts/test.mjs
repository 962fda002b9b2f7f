// npm test: every step runs, so that one run shows all that is wrong; fails when one of them did.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { root } from './setup/paths.mjs';

const steps = [
  { name: 'type check', command: ['tsc', '-p', '.'] },
  { name: 'linter', command: ['biome', 'check', '--colors=off'] },
  ...testSteps(process.argv.slice(2)),
];

const results = steps.map(({ name, command, skipped, needed = true }) => {
  if (skipped !== undefined) {
    return { name, outcome: `skipped: ${skipped}` };
  }
  console.log(`\n${name}: ${command.length > 6 ? `${command.slice(0, 6).join(' ')} …` : command.join(' ')}`);
  const started = performance.now();
  const { status, error } = spawnSync(command[0], command.slice(1), {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status !== 0 && !needed) {
    return { name, outcome: 'there is none' };
  }
  return { name, failed: status !== 0, outcome: status === 0 ? `ok (${seconds} s)` : `FAILED ${error?.message ?? ''}` };
});

console.log('');
for (const { name, outcome } of results) {
  console.log(`${name}: ${outcome}`);
}
process.exitCode = results.some(({ failed }) => failed) ? 1 : 0;

/**
 * Tests in test/kernel and test/e2e use the one kernel there is, and run one file after the other. Those in
 * test/container, which build an image, and in test/deploy are scripts of their own.
 * @param {string[]} patterns of test files; all where there are none.
 */
function testSteps(patterns) {
  const all = globSync(patterns.length > 0 ? patterns : ['test/**/*.test.ts'], { cwd: root }).sort();
  const files = patterns.length > 0 ? all : all.filter((file) => !/^test\/(container|deploy)\//.test(file));
  const onKernel = files.filter((file) => /^test\/(kernel|e2e)\//.test(file));
  const pure = files.filter((file) => !onKernel.includes(file));
  const steps = [];
  if (pure.length > 0) {
    steps.push({ name: 'tests', command: [process.execPath, '--test', ...pure] });
  }
  if (onKernel.some((file) => file.startsWith('test/e2e/collector/'))) {
    // Where it can't be built, its tests say so and are skipped.
    steps.push({ name: 'Collector', command: [process.execPath, 'test/collector/build.ts'], needed: false });
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
