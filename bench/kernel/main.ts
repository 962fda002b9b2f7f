import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { enableStats } from '../../src/libbpf/stats.ts';
import { buildLoad, buildProgram } from './build.ts';
import { type Case, cases, type Load } from './cases.ts';
import { type LoopDevice, loopDevice } from './loop-device.ts';
import { silentAddresses, silentNetwork } from './silent-network.ts';
import { emptyVariant, metricsVariant, neededPrograms, type Variant } from './variant.ts';

const usage = `npm run bench:kernel [-- [--only NAME] [--repetitions N]]

What the shipped metrics cost per event, each against programs on the same hooks that do nothing:
  gross   nanoseconds by the kernel's statistics, all programs of an event together
  empty   the same of the empty programs: the hooks and the statistics themselves
  net     the difference
  added   nanoseconds per operation of the load, end to end, without statistics
Each is the minimum of the repetitions, and in brackets how far above it their median is.`;

type Run = (load: Load) => number;

interface Samples {
  readonly gross: number[];
  /** Per operation of the load. */
  readonly elapsed: number[];
}

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, repetitions: { type: 'string' }, help: { type: 'boolean' } },
});
if (options.help) {
  console.log(usage);
} else {
  bench(options.only ?? '', Number(options.repetitions ?? 15));
}

function bench(only: string, repetitions: number): void {
  const binary = buildLoad();
  const empty = buildProgram('empty');
  using device = loopDevice(1 << 20);
  const run: Run = (load) => runLoad(binary, load, device);
  console.log(row(['metric', 'load', 'gross', 'empty', 'net', 'added', 'added, empty', 'goal', '']));
  let missed = 0;
  for (const entry of cases.filter(({ metrics }) => metrics.some((name) => name.includes(only)))) {
    const programs = neededPrograms(entry.program, entry.metrics);
    const metrics = () => metricsVariant(entry.program, entry.metrics);
    const samples = measure(entry.load, metrics, () => emptyVariant(empty, programs), repetitions, run);
    if (!report(entry, samples)) missed++;
  }
  if (missed > 0) process.exitCode = 1;
}

/**
 * The kinds take turns, so that what else the machine does strikes all of them, and are loaded anew each time,
 * since where in memory a program comes to lie makes a difference of some nanoseconds.
 */
function measure(load: Load, metrics: () => Variant, floor: () => Variant, repetitions: number, run: Run) {
  const samples = { none: newSamples(), floor: newSamples(), metrics: newSamples() };
  run(load);
  for (let i = 0; i < repetitions; i++) {
    measureOnce(load, floor, samples.floor, run);
    measureOnce(load, metrics, samples.metrics, run);
    if (load.timed) samples.none.elapsed.push(run(load));
  }
  return samples;
}

function measureOnce(load: Load, make: () => Variant, into: Samples, run: Run): void {
  using variant = make();
  using _links = variant.attach();
  if (load.timed) into.elapsed.push(run(load));
  using _statistics = enableStats();
  const before = variant.statistics();
  run(load);
  into.gross.push(perEvent(before, variant.statistics()));
}

function newSamples(): Samples {
  return { gross: [], elapsed: [] };
}

/** Nanoseconds of one run of each program, added up. */
function perEvent(before: ReturnType<Variant['statistics']>, after: ReturnType<Variant['statistics']>): number {
  let sum = 0;
  for (const [i, { time, runs }] of after.entries()) {
    const count = runs - before[i]!.runs;
    // One that never ran costs nothing: answers to a SYN are only sent again by a listener.
    if (count > 0) sum += (time - before[i]!.time) / count;
  }
  return sum;
}

function runLoad(binary: string, load: Load, device: LoopDevice): number {
  const call = [binary, load.name, String(load.operations)];
  if (load.device) call.push(device.path);
  if (load.isolated) call.push(silentAddresses.ipv4);
  const command = load.isolated ? ['unshare', '--net', 'sh', '-c', `${silentNetwork} && exec ${call.join(' ')}`] : call;
  const output = execFileSync(command[0]!, command.slice(1), { encoding: 'utf8' });
  return Number(output) / load.operations;
}

function report(entry: Case, samples: ReturnType<typeof measure>): boolean {
  const gross = least(samples.metrics.gross);
  const empty = least(samples.floor.gross);
  const net = gross - empty;
  const none = least(samples.none.elapsed);
  const added = least(samples.metrics.elapsed) - none;
  const goals = [
    ...(entry.net === undefined ? [] : [{ text: `net ${entry.net}`, reached: net <= entry.net }]),
    ...(entry.gross === undefined ? [] : [{ text: `gross ${entry.gross}`, reached: gross <= entry.gross }]),
    ...(entry.added === undefined ? [] : [{ text: `added ${entry.added}`, reached: added <= entry.added }]),
  ];
  const reached = goals.every((goal) => goal.reached);
  const timed = entry.load.timed;
  console.log(
    row([
      entry.metrics.length > 2 ? `${entry.program}, all` : entry.metrics.join(' + '),
      entry.load.name,
      spread(samples.metrics.gross),
      spread(samples.floor.gross),
      net.toFixed(1),
      timed ? `${added.toFixed(0)} of ${none.toFixed(0)}` : '',
      timed ? (least(samples.floor.elapsed) - none).toFixed(0) : '',
      goals.map(({ text }) => text).join(', '),
      reached ? '' : 'MISSED',
    ]),
  );
  return reached;
}

function least(values: readonly number[]): number {
  return Math.min(...values);
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  return `${sorted[0]!.toFixed(1)} (+${(median - sorted[0]!).toFixed(1)})`;
}

function row(cells: readonly string[]): string {
  const widths = [48, 10, 14, 14, 6, 13, 12, 10, 0];
  return cells
    .map((cell, i) => cell.padEnd(widths[i]!))
    .join(' ')
    .trimEnd();
}
