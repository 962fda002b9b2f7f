import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './root.ts';
import { buildFloor, buildProgram } from './scrape/build.ts';
import { type Case, cases, SLOTS } from './scrape/cases.ts';
import { Exporter, type ScrapeKind } from './scrape/exporter.ts';
import type { Filler } from './scrape/fill.ts';
import { startFilled } from './scrape/filled.ts';
import { measureExports, measureExportTurn } from './scrape/otlp.ts';
import { checkFamilies, checkPage } from './scrape/page.ts';
import { printTable, type Row, summary } from './scrape/table.ts';
import { unlimited } from './scrape/unlimited.ts';

const help = `Usage: npm run bench [-- [--main FILE] [--runs N] [--only TEXT]]

CPU and wall time of scrapes and OTLP exports, resident memory and start-up time of a real ebpf-meter process, each
figure the minimum of fresh processes with the spread of the processes' medians, beside ebpf_exporter's figure and the
floor: a C program that reads the same map and formats the same number of lines.

  --main FILE   what node runs: src/main.ts, or dist/main.js as published (unless set)
  --runs N      fresh processes per figure (3)
  --only TEXT   only the measurements whose name has this text
`;

const { values: options } = parseArgs({
  options: {
    main: { type: 'string', default: 'dist/main.js' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(help);
  process.exit(0);
}
const main = options.main;
const runs = Number(options.runs);

process.stdout.write(`${cpus()[0]?.model}, ${cpus().length} CPUs, node ${process.version}, ${main}\n\n`);

const selected = (name: string) => name.includes(options.only);
const rows: Row[] = [];
for (const bench of cases) {
  if (selected(`scrape, ${bench.name}`)) rows.push(...(await measureScrapes(bench)));
}
if (rows.length > 0) {
  printTable('CPU of one scrape, ms (minimum; median of each process in brackets)', rows);
}
const others = [
  ...(await measureLongestTurn()),
  ...(await measureThroughput()),
  ...(await measureExportTurn(main, runs, selected)),
  ...(await measureExports(main, runs, selected)),
  ...(await measureMemory()),
  ...(await measureStart()),
];
if (others.length > 0)
  printTable('turns of the event loop; scrapes at once; CPU of one OTLP export, ms; memory; start', others);

async function measureScrapes(bench: Case): Promise<Row[]> {
  const kinds: readonly ScrapeKind[] = ['plain', 'gzip', ...(bench.kinds ?? [])];
  const measured = new Map(kinds.map((kind) => [kind, [] as number[][]]));
  const wall = new Map(kinds.map((kind) => [kind, [] as number[][]]));
  const bytes = new Map<ScrapeKind, number>();
  const churn: number[][] = [];
  let floor = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const { exporter: started, filler, mapId } = await startFilled(main, bench);
    await using exporter = started;
    filler.write();
    floor = Math.min(floor, measureFloor(mapId, bench));
    for (const kind of kinds) {
      const cpu: number[] = [];
      const times: number[] = [];
      for (let round = 0; round < bench.rounds; round++) {
        filler.write();
        const scrape = await exporter.scrape(kind);
        const check = kind === 'protobuf' ? checkFamilies : checkPage;
        check(scrape.body, bench, filler.total());
        bytes.set(kind, scrape.body.length);
        // The first scrapes decode the keys and warm up the code.
        if (round < 5) continue;
        cpu.push(scrape.cpuMs);
        times.push(scrape.wallMs);
      }
      measured.get(kind)!.push(cpu);
      wall.get(kind)!.push(times);
    }
    if (bench.name === '100,000 counters') churn.push(await measureChurn(exporter, filler, bench));
  }
  const rows: Row[] = kinds.map((kind) => ({
    name: `${bench.name}, ${kind}`,
    figure: summary(measured.get(kind)!),
    goal: bench.goal[kind],
    peer: kind === 'plain' || kind === 'gzip' ? bench.peer[kind] : undefined,
    floor: kind === 'plain' ? floor : undefined,
    note: `wall ${summary(wall.get(kind)!)}; page ${(bytes.get(kind)! / 1e6).toFixed(2)} MB`,
  }));
  if (churn.length > 0) {
    rows.push({ name: `${bench.name}, plain, 1 % new keys`, figure: summary(churn), goal: 70, note: '' });
  }
  return rows;
}

/** The first scrape, which decodes all keys, and three formats at once among them. */
async function measureLongestTurn(): Promise<Row[]> {
  const bench = cases.find((one) => one.name === '100,000 counters')!;
  const name = `longest turn of the event loop, ${bench.name}, CPU ms`;
  if (!selected(name)) return [];
  const turns: number[][] = [];
  for (let run = 0; run < runs; run++) {
    const probe = ['--import', join(root, 'bench/scrape/loop-delay.ts')];
    const { exporter: started, filler } = await startFilled(main, bench, unlimited(bench), probe);
    await using exporter = started;
    // The start of the process.
    await exporter.longestTurnMs();
    const longest: number[] = [];
    for (let round = 0; round < 4; round++) {
      filler.write();
      await exporter.scrape('plain');
      longest.push(await exporter.longestTurnMs());
    }
    await Promise.all((['plain', 'OpenMetrics', 'protobuf', 'gzip'] as const).map((kind) => exporter.scrape(kind)));
    longest.push(await exporter.longestTurnMs());
    turns.push([Math.max(...longest)]);
  }
  return [{ name, figure: summary(turns), goal: 60, note: '' }];
}

/** Scrapes per second that four scrapers get who ask again as soon as they are answered, while all counters change. */
async function measureThroughput(): Promise<Row[]> {
  const bench = cases.find((one) => one.name === '10,000 counters')!;
  const name = `four scrapers at once, ${bench.name}, scrapes/s`;
  if (!selected(name)) return [];
  const rates: number[][] = [];
  const cpu: number[][] = [];
  for (let run = 0; run < runs; run++) {
    const { exporter: started, filler } = await startFilled(main, bench);
    await using exporter = started;
    filler.write();
    const scrapers = async (count: number) => {
      await Promise.all(
        Array.from({ length: 4 }, async () => {
          for (let i = 0; i < count; i++) await exporter.body('plain');
        }),
      );
    };
    await scrapers(20);
    const begin = performance.now();
    const used = exporter.cpuMs();
    for (let round = 0; round < 10; round++) {
      filler.write();
      await scrapers(20);
    }
    cpu.push([(exporter.cpuMs() - used) / 800]);
    rates.push([800 / ((performance.now() - begin) / 1000)]);
  }
  return [
    {
      name,
      figure: `${Math.max(...rates.flat()).toFixed(0)} (${rates.flat().map(Math.round).join(', ')})`,
      goal: 300,
      peer: 26,
      note: `the highest; the goal is the least. CPU ms of one scrape: ${summary(cpu)}`,
    },
  ];
}

async function measureChurn(exporter: Exporter, filler: Filler, bench: Case): Promise<number[]> {
  const cpu: number[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    filler.replace(bench.entries / 100);
    filler.write();
    const scrape = await exporter.scrape('plain');
    checkPage(scrape.body, bench, filler.total());
    if (round >= 3) cpu.push(scrape.cpuMs);
  }
  return cpu;
}

function measureFloor(mapId: number, bench: Case): number {
  const numbers = bench.kind === 'counters' ? 1 : SLOTS + 1;
  const output = execFileSync(buildFloor(), [String(mapId), String(numbers), '20'], { encoding: 'utf8' });
  return (JSON.parse(output) as { min: number }).min;
}

async function measureMemory(): Promise<Row[]> {
  const rows: Row[] = [];
  const goals = [
    { entries: 10_000, goal: 100, peer: 68 },
    { entries: 100_000, goal: 170, peer: 181 },
  ];
  if (selected('memory, default programs')) {
    const resident: number[][] = [];
    for (let run = 0; run < runs; run++) {
      await using exporter = await Exporter.start(main, []);
      for (let round = 0; round < 20; round++) await exporter.scrape('gzip');
      // Until the kernel's symbols, read for the first keys, are forgotten.
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      resident.push([exporter.residentMib()]);
    }
    rows.push({ name: 'memory, default programs, MiB', figure: summary(resident), goal: 76, peer: 49, note: '' });
  }
  for (const { entries, goal, peer } of goals) {
    const name = `memory after 40 scrapes of ${entries.toLocaleString('en')} counters, MiB`;
    if (!selected(name)) continue;
    const resident: number[][] = [];
    for (let run = 0; run < runs; run++) {
      const { exporter: started, filler } = await startFilled(main, { entries, kind: 'counters' });
      await using exporter = started;
      for (let round = 0; round < 40; round++) {
        filler.write();
        await exporter.scrape(round % 2 === 0 ? 'gzip' : 'plain');
      }
      resident.push([exporter.residentMib()]);
    }
    rows.push({ name, figure: summary(resident), goal, peer, note: '' });
  }
  if (selected('memory, all 10,000 keys replaced')) rows.push(await measureReplacement());
  return rows;
}

async function measureReplacement(): Promise<Row> {
  const entries = 10_000;
  const growth: number[][] = [];
  const notes: string[] = [];
  for (let run = 0; run < runs; run++) {
    const { exporter: started, filler } = await startFilled(main, { entries, kind: 'counters' });
    await using exporter = started;
    filler.write();
    let early = 0;
    for (let round = 1; round <= 200; round++) {
      filler.replace(entries);
      filler.write();
      await exporter.scrape('plain');
      if (round === 20) early = exporter.residentMib();
    }
    const late = exporter.residentMib();
    growth.push([(late / early - 1) * 100]);
    notes.push(`${early.toFixed(0)} → ${late.toFixed(0)} MiB`);
  }
  return {
    name: 'memory, all 10,000 keys replaced 200 times: growth since the 20th, %',
    figure: summary(growth),
    goal: 20,
    note: `${notes.join(', ')}; ebpf_exporter 90 → 780 MB`,
  };
}

async function measureStart(): Promise<Row[]> {
  if (!selected('start to the first good scrape')) return [];
  const times: number[] = [];
  const { directory, program } = buildProgram({ entries: 1000, kind: 'counters' });
  for (let run = 0; run < runs * 3; run++) {
    await using exporter = await Exporter.start(main, ['--no-shipped', '--programs', directory, '--only', program]);
    times.push(exporter.startMs);
  }
  return [
    {
      name: 'start to the first good scrape, one program, ms',
      figure: summary([times]),
      goal: 300,
      peer: 108,
      note: '',
    },
  ];
}
