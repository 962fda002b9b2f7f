// npm run test:kernels [-- VERSION… --write]: test/kernel/** and `check` on Debian's kernels, each in a VM.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPackages } from './apt.ts';
import { writeInitramfs } from './initramfs.ts';
import { kernelNames, prepareKernel } from './kernels.ts';
import { type Accelerator, chooseAccelerator, runInVm } from './machine.ts';
import { failures, matrixOf, summary } from './matrix.ts';
import { differences, parsePublished, publish } from './published.ts';
import { type KernelResult, readResults, resultFiles } from './results.ts';
import { stage } from './stage.ts';

const root = join(import.meta.dirname, '../..');
const cache = join(root, 'build/kernels');
const document = join(root, 'docs/kernels.md');
const limitMs = 20 * 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
});
const wanted = positionals.length > 0 ? positionals : kernelNames;
for (const name of wanted) {
  if (!kernelNames.includes(name)) throw new Error(`"${name}": no such kernel: there are ${kernelNames.join(', ')}`);
}

const packages = { 'qemu-system-x86_64': 'qemu-system-x86', busybox: 'busybox-static', depmod: 'kmod', xz: 'xz-utils' };
installPackages(packages);
const run = mkdtempSync(join(tmpdir(), 'ebpf-meter-vm-'));
const tree = join(run, 'tree');
try {
  const { withoutTypes } = stage(tree);
  const results: KernelResult[] = [];
  let accelerator: Accelerator | undefined;
  for (const name of kernelNames.filter((candidate) => wanted.includes(candidate))) {
    const kernel = prepareKernel(name, cache);
    const initramfs = join(run, `${name}.initramfs`);
    writeInitramfs(kernel, initramfs);
    accelerator ??= await chooseAccelerator(kernel, initramfs);
    console.log(`\n${name}: booting ${kernel.release} (${accelerator})`);
    const folder = join(run, name);
    mkdirSync(folder);
    const started = performance.now();
    const modules = ['loop', 'veth'];
    const outcome = await runInVm({
      kernel,
      initramfs,
      accelerator,
      folder,
      modules,
      limitMs,
      command: command(withoutTypes),
    });
    const seconds = (performance.now() - started) / 1000;
    const seen = readResults(folder);
    const problems = [...seen.problems, ...(outcome.problem ? [outcome.problem] : [])];
    results.push({ kernel: name, release: kernel.release, seconds, ...seen, problems });
    if (outcome.panics > 0) console.log(`${name}: ${outcome.panics} of its VMs ended before the command began`);
  }
  process.exitCode = report(results);
} finally {
  rmSync(run, { recursive: true });
}

/** Returns the exit status. */
function report(results: readonly KernelResult[]): number {
  console.log(`\n${summary(results)}`);
  const measured = matrixOf(results);
  const published = readFileSync(document, 'utf8');
  const failed = results.flatMap((result) => failures(result).map((line) => `${result.kernel}: FAILED: ${line}`));
  if (values.write) {
    writeFileSync(document, publish(published, measured, kernelNames));
    console.log('\ndocs/kernels.md is written');
  }
  const differing = values.write ? [] : differences(parsePublished(published), measured);
  for (const line of [...failed, ...differing]) console.log(line);
  if (differing.length > 0)
    console.log('docs/kernels.md says otherwise; if the run is right, write it: npm run test:kernels -- --write');
  return failed.length + differing.length > 0 ? 1 : 0;
}

/** What a VM runs: a state of the clone that is the same for all kernels, by this Node. */
function command(withoutTypes: string): string {
  const out = (file: string) => `/run/vm/${file}`;
  const names = 'config/programs/*.yaml';
  return `
cd '${tree}'
mount --bind '${join(root, 'node_modules')}' node_modules
ulimit -n 65536
export NODE_OPTIONS='--import=${withoutTypes} --disable-warning=ExperimentalWarning'
node='${process.execPath}'
$node test/vm/attach.ts > ${out(resultFiles.programs)}
$node src/main.ts check --only "$(ls ${names} | sed 's|.*/||; s|[.]yaml$||' | paste -sd,)"
echo $? > ${out(resultFiles.check)}
exec $node --test --test-concurrency=1 --test-reporter=spec --test-reporter-destination=stdout \\
  --test-reporter=./test/vm/reporter.ts --test-reporter-destination=${out(resultFiles.tests)} 'test/kernel/**/*.test.ts'
`;
}
