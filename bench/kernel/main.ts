import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { enableStats } from '../../src/libbpf/stats.ts';
import { buildLoad, buildProgram } from './build.ts';
import type { Load } from './case.ts';
import { cases, perfEventCases, plain, tracepointCases } from './cases.ts';
import { type LoopDevice, loopDevice } from './loop-device.ts';
import { silentAddresses, silentNetwork } from './silent-network.ts';
import {
  metricsVariant,
  neededPrograms,
  objectVariant,
  perfEventsVariant,
  tracepointVariant,
  type Variant,
} from './variant.ts';

const usage = `npm run bench:kernel [-- [--only NAME] [--repetitions N]]

What the shipped metrics cost per event, each against programs on the same hooks that do nothing:
  gross   nanoseconds by the kernel's statistics, all programs of an event together
  empty   the same of the empty programs: the hooks and the statistics themselves
  net     the difference
  2 CPUs  net where the load runs on the first and the last CPU at once
  ratio   gross on two CPUs by gross on one
  added   nanoseconds per operation of the load, end to end, without statistics
Each is the minimum of the repetitions, and in brackets how far above it their median is.
The plain ways come first, and the designs of the shipped programs, each alone: goals are from one processor (AMD Zen 4),
so elsewhere look at the ratio to the former and the distance from the latter.`;

type Run = (load: Load, twoCpus?: boolean) => number;

interface Samples {
  readonly gross: number[];
  /** With the load on two CPUs at once. */
  readonly contended: number[];
  /** Per operation of the load. */
  readonly elapsed: number[];
}

const networks = {
  silent: { setUp: silentNetwork, address: silentAddresses.ipv4 },
  loopback: { setUp: 'ip link set lo up', address: '127.0.0.1' },
};

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, repetitions: { type: 'string' }, help: { type: 'boolean' } },
});
if (options.help) {
  console.log(usage);
} else {
  bench(options.only ?? '', Number(options.repetitions ?? 15));
}

function bench(only: string, repetitions: number): void {
  const binaries = { load: buildLoad(), network: buildLoad('network') };
  const empty = buildProgram('empty');
  using device = loopDevice(1 << 20);
  const run: Run = (load, twoCpus) => runLoad(binaries, load, device, twoCpus);
  console.log(row(['metric', 'load', 'gross', 'empty', 'net', '2 CPUs', 'ratio', 'added', 'added, empty', 'goal', '']));
  const objects = { peer: buildProgram('peer'), design: buildProgram('design') };
  for (const entry of plain.filter(({ title }) => title.includes(only))) {
    const make = () => objectVariant(objects[entry.object], entry.programs);
    const samples = measure(entry.load, make, () => objectVariant(empty, entry.empty), repetitions, run);
    report(entry.title, entry.load, samples, goalsOf(entry));
  }
  for (const { name, load } of tracepointCases) {
    const title = `tracepoints: ${name}`;
    if (!title.includes(only)) continue;
    const samples = measure(
      load,
      () => tracepointVariant(name),
      () => objectVariant(empty, [name]),
      repetitions,
      run,
    );
    report(title, load, samples, []);
  }
  for (const { events, by, load } of perfEventCases) {
    const title = `perf_events: ${events.length === 1 ? events[0] : `${events.length} events`} by ${by}`;
    if (!title.includes(only)) continue;
    const samples = measure(
      load,
      () => perfEventsVariant(events, by),
      () => objectVariant(empty, ['sched_switch']),
      repetitions,
      run,
    );
    report(title, load, samples, []);
  }
  for (const entry of cases.filter(({ metrics }) => metrics.some((name) => name.includes(only)))) {
    const programs = neededPrograms(entry.program, entry.metrics, entry.ways);
    const make = () => metricsVariant(entry.program, entry.metrics, entry.ways);
    const samples = measure(entry.load, make, () => objectVariant(empty, programs), repetitions, run);
    const title = entry.metrics.length > 2 ? `${entry.program}, all` : entry.metrics.join(' + ');
    report(title, entry.load, samples, goalsOf(entry));
  }
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
  if (!load.contends) return;
  const alone = variant.statistics();
  run(load, true);
  into.contended.push(perEvent(alone, variant.statistics()));
}

function newSamples(): Samples {
  return { gross: [], contended: [], elapsed: [] };
}

/**
 * Nanoseconds of one run of each program, added up. Those that the load hardly ever runs are left out: what a cold program
 * takes once in ten thousand events is no part of an event.
 */
function perEvent(before: ReturnType<Variant['statistics']>, after: ReturnType<Variant['statistics']>): number {
  const spent = after.map(({ time, runs }, i) => ({ time: time - before[i]!.time, runs: runs - before[i]!.runs }));
  const most = Math.max(...spent.map(({ runs }) => runs));
  return spent.reduce((sum, { time, runs }) => (runs > most / 100 ? sum + time / runs : sum), 0);
}

function runLoad(
  binaries: Record<'load' | 'network', string>,
  load: Load,
  device: LoopDevice,
  twoCpus = false,
): number {
  const binary = load.network === 'loopback' ? binaries.network : binaries.load;
  const call = [binary, ...(twoCpus ? ['--two-cpus'] : []), load.name, String(load.operations)];
  if (load.device) call.push(device.path);
  const network = load.network && networks[load.network];
  const command = network
    ? ['unshare', '--net', 'sh', '-c', `${network.setUp} && exec ${call.join(' ')} ${network.address}`]
    : call;
  const output = execFileSync(command[0]!, command.slice(1), { encoding: 'utf8' });
  return Number(output) / load.operations;
}

interface Goal {
  readonly figure: 'net' | 'gross' | 'added';
  readonly limit: number;
}

function goalsOf(entry: { readonly [figure in Goal['figure']]?: number | undefined }): Goal[] {
  const figures = ['net', 'gross', 'added'] as const;
  return figures.flatMap((figure) => (entry[figure] === undefined ? [] : [{ figure, limit: entry[figure] }]));
}

function report(title: string, load: Load, samples: ReturnType<typeof measure>, goals: readonly Goal[]): void {
  const none = least(samples.none.elapsed);
  const gross = least(samples.metrics.gross);
  const net = gross - least(samples.floor.gross);
  const contended = least(samples.metrics.contended);
  const added = least(samples.metrics.elapsed) - none;
  const figures = { gross, net, added };
  console.log(
    row([
      title,
      load.name,
      spread(samples.metrics.gross),
      spread(samples.floor.gross),
      net.toFixed(1),
      load.contends ? (contended - least(samples.floor.contended)).toFixed(1) : '',
      load.contends ? (contended / gross).toFixed(2) : '',
      load.timed ? `${added.toFixed(0)} of ${none.toFixed(0)}` : '',
      load.timed ? (least(samples.floor.elapsed) - none).toFixed(0) : '',
      goals.map(({ figure, limit }) => `${figure} ${limit}`).join(', '),
      goals.some(({ figure, limit }) => figures[figure] > limit) ? 'missed' : '',
    ]),
  );
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
  const widths = [48, 10, 14, 14, 6, 6, 5, 13, 12, 10, 0];
  return cells
    .map((cell, i) => cell.padEnd(widths[i]!))
    .join(' ')
    .trimEnd();
}
