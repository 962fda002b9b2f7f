// npm run test:kernels [-- VERSION… --write | --tests GLOB]: test/kernel/** and `check` on Debian's kernels, each in a VM.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPackages } from './apt.ts';
import { writeInitramfs } from './initramfs.ts';
import { kernelNames, prepareKernel } from './kernels.ts';
import { type Accelerator, chooseAccelerator, runInVm } from './machine.ts';
import { failures, matrixOf, summary, totals } from './matrix.ts';
import { differences, parsePublished, publish } from './published.ts';
import { type KernelResult, readResults, readTests, resultFiles } from './results.ts';
import { stage, writeDisk } from './stage.ts';

const root = join(import.meta.dirname, '../..');
const document = join(root, 'docs/kernels.md');
/** By the command that is looked for. */
const packages = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  depmod: 'kmod',
  xz: 'xz-utils',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  'mkfs.btrfs': 'btrfs-progs',
};
const modules = ['virtio_blk', 'ext4', 'xfs', 'btrfs', 'loop', 'veth', 'zram', 'nfsv3', 'nfsv4', 'nfsd'];
const allTests = 'test/kernel/**/*.test.ts';
/** What one test file may take: an emulated CPU is some 20 times slower. */
const testLimitMs = 5 * 60_000;
/** What one VM may take: a few minutes where nothing else runs, five times as long where much does. */
const limitMs = 45 * 60_000;
/** A test that takes too long is ended and told of by then. */
const silenceMs = testLimitMs + 60_000;

// Exiting ends the VM, and removes what is temporary.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`test:kernels: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { write: { type: 'boolean', default: false }, tests: { type: 'string' } },
  });
  if (values.write && values.tests !== undefined) throw new Error('--write: only all tests tell what is right');
  const unknown = positionals.find((name) => !kernelNames.includes(name));
  if (unknown !== undefined) throw new Error(`"${unknown}": no such kernel: there are ${kernelNames.join(', ')}`);
  installPackages(packages);
  const results = await runAll(positionals.length > 0 ? positionals : kernelNames, values.tests ?? allTests);
  console.log(`\n${values.tests === undefined ? summary(results) : totals(results)}`);
  if (values.tests === undefined) return report(results, values.write);
  const failed = listFailures(results);
  return failed > 0 ? 1 : 0;
}

async function runAll(wanted: readonly string[], tests: string): Promise<KernelResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-vm-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const tree = join(folder, 'tree');
  const disk = join(folder, 'disk');
  const { withoutTypes } = stage(tree);
  writeDisk(tree, disk);
  const command = commandIn(tree, withoutTypes, tests);
  // All of them before the first is booted: what can't be had is to be known before the others have run.
  const machines = kernelNames
    .filter((name) => wanted.includes(name))
    .map((name) => {
      const kernel = prepareKernel(name, join(root, 'build/kernels'));
      const initramfs = join(folder, `${name}.initramfs`);
      const shared = join(folder, name);
      mkdirSync(shared);
      writeInitramfs(kernel, initramfs);
      return { kernel, initramfs, shared };
    });
  const results: KernelResult[] = [];
  let accelerator: Accelerator | undefined;
  for (const { kernel, initramfs, shared } of machines) {
    const { name } = kernel;
    accelerator ??= await chooseAccelerator(kernel, initramfs);
    console.log(`\n${name}: booting ${kernel.release} (${accelerator})`);
    const started = performance.now();
    const boot = { kernel, initramfs, accelerator, folder: shared, disk, modules, command, limitMs, silenceMs };
    const { problem, panics, hangs } = await runInVm(boot);
    const seconds = (performance.now() - started) / 1000;
    if (panics > 0) console.log(`${name}: ${panics} of its VMs ended before the command began`);
    if (hangs > 0) console.log(`${name}: ${hangs} of its VMs stood still while the command ran`);
    const seen = tests === allTests ? readResults(shared) : readTests(shared);
    const problems = problem === undefined ? seen.problems : [...seen.problems, problem];
    results.push({ ...seen, kernel: name, release: kernel.release, seconds, problems });
  }
  return results;
}

/** Says what is not as it should be, or as the docs say; returns the exit status. */
function report(results: readonly KernelResult[], write: boolean): number {
  const published = readFileSync(document, 'utf8');
  const failed = listFailures(results);
  if (write) {
    // A VM that ended early tells nothing of what it didn't come to.
    const whole = results.filter(({ problems }) => problems.length === 0);
    writeFileSync(document, publish(published, matrixOf(whole), kernelNames));
    console.log(
      `docs/kernels.md is written: ${whole.map(({ kernel }) => kernel).join(', ') || 'none of these kernels'}`,
    );
    return failed > 0 ? 1 : 0;
  }
  const differing = differences(parsePublished(published), matrixOf(results));
  for (const line of differing) console.log(line);
  if (differing.length > 0) {
    console.log('docs/kernels.md says otherwise; if this run is right, let it write: npm run test:kernels -- --write');
  }
  return failed + differing.length > 0 ? 1 : 0;
}

/** Prints them; returns their number. */
function listFailures(results: readonly KernelResult[]): number {
  const lines = results.flatMap((result) => failures(result).map((line) => `${result.kernel}: FAILED: ${line}`));
  for (const line of lines) console.log(line);
  return lines.length;
}

/** What each VM runs, with this process's Node: the tree is its disk. Some tests alone are to take no time for more. */
function commandIn(tree: string, withoutTypes: string, tests: string): string {
  const share = (file: string) => `/run/vm/${file}`;
  const attaching = `
$node test/vm/attach.ts > ${share(resultFiles.programs)}
all=$(ls config/programs/*.yaml | sed 's|.*/||; s|[.]yaml$||' | paste -sd,)
$node src/main.ts check --config test/vm/check.yaml --only "$all"
echo $? > ${share(resultFiles.check)}`;
  return `
mount /dev/vda '${tree}' && cd '${tree}' || exit
mount --bind '${join(root, 'node_modules')}' node_modules
export NODE_OPTIONS='--import=${withoutTypes} --disable-warning=ExperimentalWarning'
node='${process.execPath}'
${tests === allTests ? attaching : ''}
exec $node --test --test-concurrency=1 --test-force-exit --test-timeout=${testLimitMs} --test-reporter=spec --test-reporter-destination=stdout \\
  --test-reporter=./test/vm/reporter.ts --test-reporter-destination=${share(resultFiles.tests)} '${tests}'
`;
}
