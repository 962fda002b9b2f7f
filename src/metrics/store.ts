import type { HrTime } from '@opentelemetry/api';
import type { ProgramPlan, TablePlan } from '../config/plan.ts';
import type { KernelFacts } from '../decoders/decoder.ts';
import type { MapReaders } from '../maps/reading.ts';
import { entriesSource } from './entries-source.ts';
import { later } from './increments.ts';
import { indexedSource } from './indexed-source.ts';
import type { Reading, SeriesStore } from './rows.ts';
import { type FillLevel, MapCache, type TableSource } from './source.ts';
import { Table } from './table.ts';
import type { Tallies } from './tallies.ts';

/** A program that counts: what the store needs to know of it. */
export interface CountingProgram {
  readonly plan: ProgramPlan;
  readonly readers: MapReaders;
  /** When it began to count. */
  readonly startTime: HrTime;
}

/** The series of all programs: the one place that reads maps. */
export class Store implements SeriesStore {
  readonly #tallies: Tallies;
  readonly #programs: readonly { name: string; maps: MapCache; tables: { table: Table; source: TableSource }[] }[];
  readonly #tables: readonly Table[];
  #sequence = 0;
  #lastTime: HrTime = [0, 0];
  #pending: Promise<Reading> | undefined;

  /** Throws MeterError('map') where a plan names a map that the program doesn't have. */
  constructor(programs: readonly CountingProgram[], kernel: KernelFacts, tallies: Tallies) {
    this.#tallies = tallies;
    this.#programs = programs.map(({ plan, readers, startTime }) => {
      const maps = new MapCache(readers);
      const tables = plan.tables.map((table) => ({
        table: new Table(table, plan.name, startTime, kernel, tallies),
        source: tableSource(table, maps),
      }));
      return { name: plan.name, maps, tables };
    });
    this.#tables = this.#programs.flatMap((program) => program.tables.map(({ table }) => table));
    // The clock may be set back between attaching and the first reading.
    for (const { startTime } of programs) this.#lastTime = later(this.#lastTime, startTime);
  }

  /** The tables, in the order of the programs; their rows are those of the last reading. */
  get tables(): readonly Table[] {
    return this.#tables;
  }

  read(): Promise<Reading> {
    // The reading happens in a later turn of the event loop, so that readers whose requests came together share it,
    // and always after the request, so that nobody gets numbers from before he asked.
    this.#pending ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#pending = undefined;
        try {
          resolve(this.#readNow());
        } catch (error) {
          reject(error);
        }
      });
    });
    return this.#pending;
  }

  /** Entries and room of every map with keys, as of the last reading. */
  *fillLevels(): Iterable<FillLevel & { program: string }> {
    for (const { name, maps } of this.#programs)
      for (const level of maps.fillLevels()) yield { program: name, ...level };
  }

  #readNow(): Reading {
    const begin = performance.now();
    const time = this.#now();
    const errors = new Set<Error>();
    for (const { name, maps, tables } of this.#programs) {
      maps.reset();
      for (const { table, source } of tables) {
        try {
          source.fill(table);
          table.complete(time);
        } catch (error) {
          table.readable = false;
          const failure = error instanceof Error ? error : new Error(String(error));
          // One map may feed several tables; it failed once.
          if (!errors.has(failure)) this.#tallies.readError(name, table.plan.name);
          errors.add(failure);
        }
      }
    }
    const durationMs = performance.now() - begin;
    return { sequence: ++this.#sequence, time, tables: this.#tables, durationMs, errors: [...errors] };
  }

  /** Milliseconds since the epoch as [s, ns]; never the same twice and never back, since points need start < time. */
  #now(): HrTime {
    const ms = Date.now();
    let time: HrTime = [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
    const [seconds, nanos] = this.#lastTime;
    if (time[0] < seconds || (time[0] === seconds && time[1] <= nanos)) time = [seconds, nanos + 1];
    this.#lastTime = time;
    return time;
  }
}

function tableSource(plan: TablePlan, maps: MapCache): TableSource {
  const { source } = plan;
  return source.kind === 'entries' ? entriesSource(plan, source, maps) : indexedSource(plan, source, maps);
}
