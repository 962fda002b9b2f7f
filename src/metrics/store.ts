// What the maps' entries become: rows and cells, kept from one reading to the next, and in own/ the exporter's own
// instruments, without the machine. May be imported by `readers`, `exporter` and `cli`.

import type { HrTime } from '@opentelemetry/api';
import type { CardinalityLimits } from '../config/exporter/configuration.ts';
import type { ProgramPlan, TablePlan } from '../config/plan.ts';
import type { KernelFacts } from '../decoders/kernel-facts.ts';
import type { MapReaders } from '../maps/reading.ts';
import { Clock } from './clock.ts';
import { entriesSource } from './entries-source.ts';
import { type Expiry, expiriesOf, type GoneCgroups } from './expiry.ts';
import { indexedSource } from './indexed-source.ts';
import { type LimitedTable, limitedTables } from './limits.ts';
import { type FillLevel, MapCache, type TableSource } from './map-cache.ts';
import type { Reading, SeriesStore } from './rows.ts';
import { Stretch } from './stretch.ts';
import { Table } from './table.ts';
import type { Tallies } from './tallies.ts';
import { UndecodedMetrics } from './undecoded.ts';

/** A program that counts: what the store needs to know of it. */
interface CountingProgram {
  readonly plan: ProgramPlan;
  readonly readers: MapReaders;
  /** When it began to count, on the wall clock. */
  readonly startTime: HrTime;
}

interface StoredTable {
  readonly table: Table;
  readonly source: TableSource;
}

interface StoredProgram {
  readonly name: string;
  readonly maps: MapCache;
  readonly tables: readonly StoredTable[];
  readonly expiries: readonly Expiry[];
  readonly undecoded: UndecodedMetrics;
}

/** The series of all programs: the one place that reads maps. */
export class Store implements SeriesStore {
  readonly #tallies: Tallies;
  readonly #gone: GoneCgroups | undefined;
  readonly #programs: readonly StoredProgram[];
  readonly #tables: readonly Table[];
  /** By reader. */
  readonly #views: readonly (readonly Table[])[];
  readonly clock: Clock;
  #sequence = 0;
  #pending: Promise<Reading> | undefined;
  #holds = 0;
  /** Begins the reading that was put off. */
  #resume: (() => void) | undefined;

  /**
   * `gone` tells which keys of maps that expire are to be removed; without it none are. `limits` are those of the
   * readers, each by its index; readers with the same ones share tables. `clock` tells when readings are.
   * Throws MeterError('map') where a plan names a map that the program doesn't have.
   */
  constructor(
    programs: readonly CountingProgram[],
    kernel: KernelFacts,
    tallies: Tallies,
    gone?: GoneCgroups,
    limits: readonly CardinalityLimits[] = [{}],
    clock: Clock = new Clock(),
  ) {
    this.clock = clock;
    const views = limits.map((): Table[] => []);
    this.#tallies = tallies;
    this.#gone = gone;
    this.#programs = programs.map(({ plan, readers, startTime }) => {
      const maps = new MapCache(readers);
      const make = ({ plan: table, series }: LimitedTable): StoredTable => {
        const source = tableSource(table, maps);
        const closes = table.source.kind === 'entries' && table.source.cache !== undefined;
        const limit = source.capacity > series ? { series, closes } : undefined;
        return { table: new Table(table, plan.name, startTime, kernel, tallies, clock, limit), source };
      };
      const tables = plan.tables.flatMap((table) => {
        const made = new Map<string, StoredTable>();
        for (const [reader, own] of limits.entries()) {
          for (const limited of limitedTables(table, own)) {
            const key = JSON.stringify([limited.series, limited.plan.metrics.map(({ name }) => name)]);
            const stored = made.get(key) ?? make(limited);
            made.set(key, stored);
            views[reader]!.push(...withOverflow(stored));
          }
        }
        return [...made.values()];
      });
      const expiries = gone === undefined ? [] : expiriesOf(plan, maps);
      for (const { map } of expiries) tallies.keysExpired(plan.name, map, 0);
      const undecoded = new UndecodedMetrics(plan);
      return { name: plan.name, maps, tables, expiries, undecoded };
    });
    this.#tables = this.#programs.flatMap((program) => program.tables.flatMap(withOverflow));
    this.#views = views;
    // The clock may be set back between attaching and the first reading.
    for (const { startTime } of programs) clock.began(startTime);
  }

  /** The tables, in the order of the programs; their rows are those of the last reading. */
  get tables(): readonly Table[] {
    return this.#tables;
  }

  /** Those of one reader, by the index of its limits. */
  tablesOf(reader: number): readonly Table[] {
    return this.#views[reader]!;
  }

  read(): Promise<Reading> {
    // The reading happens in a later turn of the event loop, so that readers whose requests came together share it,
    // and always after the request, so that nobody gets numbers from before he asked.
    this.#pending ??= new Promise((resolve, reject) => {
      const readOrWait = () => {
        if (this.#holds > 0) {
          this.#resume = readOrWait;
          return;
        }
        this.#pending = undefined;
        // Who asks from now on gets the next reading, which begins when this one has ended.
        const hold = this.hold();
        const steps = this.#steps();
        const goOn = () => {
          try {
            const { done, value } = steps.next();
            if (!done) return void setImmediate(goOn);
            hold[Symbol.dispose]();
            resolve(value);
          } catch (error) {
            hold[Symbol.dispose]();
            reject(error);
          }
        };
        goOn();
      };
      setImmediate(readOrWait);
    });
    return this.#pending;
  }

  hold(): Disposable {
    let held = true;
    this.#holds++;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        if (--this.#holds > 0) return;
        const resume = this.#resume;
        this.#resume = undefined;
        if (resume !== undefined) setImmediate(resume);
      },
    };
  }

  /** Entries and room of every map with keys, as of the last reading. */
  *fillLevels(): Iterable<FillLevel & { program: string }> {
    for (const { name, maps } of this.#programs)
      for (const level of maps.fillLevels()) yield { program: name, ...level };
  }

  /**
   * Reads all maps at once and takes their entries over. It pauses where very many keys are new, since decoding 100,000
   * takes some hundred milliseconds.
   */
  *#steps(): Generator<void, Reading> {
    const begin = performance.now();
    this.#gone?.update();
    const time = this.clock.read();
    const errors = new Set<Error>();
    const stretch = new Stretch();
    // All begin before any is read: a joined metric reads other programs' maps, which are filled for this reading then.
    for (const { maps } of this.#programs) maps.reset();
    for (const { maps } of this.#programs) maps.read();
    for (const { name, tables, expiries, undecoded } of this.#programs) {
      for (const { table, source } of tables) {
        try {
          for (const _ of source.fill(table, stretch)) {
            yield;
            stretch.begin();
          }
          table.complete(time);
          undecoded.note(table);
        } catch (error) {
          table.fail();
          const failure = error instanceof Error ? error : new Error(String(error));
          // One map may feed several tables; it failed once.
          if (!errors.has(failure)) this.#tallies.readError(name, table.plan.name);
          errors.add(failure);
        }
      }
      this.#tallies.undecoded(name, undecoded.take());
      if (this.#gone !== undefined) this.#expire(name, expiries, this.#gone, begin, errors);
    }
    const durationMs = performance.now() - begin;
    return { sequence: ++this.#sequence, time, tables: this.#tables, durationMs, errors: [...errors] };
  }

  /** After its tables have the numbers: what is removed now is missing from the next reading on. */
  #expire(program: string, expiries: readonly Expiry[], gone: GoneCgroups, begin: number, errors: Set<Error>): void {
    for (const expiry of expiries) {
      try {
        this.#tallies.keysExpired(program, expiry.map, expiry.run(gone, begin, performance.now() - begin));
      } catch (error) {
        const failure = error instanceof Error ? error : new Error(String(error));
        if (!errors.has(failure)) this.#tallies.readError(program, expiry.map);
        errors.add(failure);
      }
    }
  }
}

function withOverflow({ table }: StoredTable): readonly Table[] {
  return table.overflow === undefined ? [table] : [table, table.overflow];
}

function tableSource(plan: TablePlan, maps: MapCache): TableSource {
  const { source } = plan;
  return source.kind === 'entries' ? entriesSource(plan, source, maps) : indexedSource(plan, source, maps);
}
