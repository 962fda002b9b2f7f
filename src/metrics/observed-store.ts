import type { Clock } from './clock.ts';
import type { Reading, Rows, SeriesStore } from './rows.ts';

/** A store as its readers share it: keeps what the last reading was, and tells of each once, however many readers have it. */
export class ObservedStore implements SeriesStore {
  /** Undefined until there is one. */
  last: Reading | undefined;
  readonly #store: SeriesStore;
  readonly #onNew: (reading: Reading) => void;

  /** `onNew` is called before any reader gets the reading. */
  constructor(store: SeriesStore, onNew: (reading: Reading) => void) {
    this.#store = store;
    this.#onNew = onNew;
  }

  async read(): Promise<Reading> {
    const reading = await this.#store.read();
    if (reading.sequence !== this.last?.sequence) {
      this.last = reading;
      this.#onNew(reading);
    }
    return reading;
  }

  get clock(): Clock {
    return this.#store.clock;
  }

  hold(): Disposable {
    return this.#store.hold();
  }

  /** The same as one reader sees it, who has its own cardinality limits: only these tables are in its readings. */
  withTables(tables: readonly Rows[]): SeriesStore {
    const own = new Set(tables);
    return {
      clock: this.clock,
      hold: () => this.hold(),
      read: async () => {
        const reading = await this.read();
        if (reading.tables.length === own.size) return reading;
        return { ...reading, tables: reading.tables.filter((rows) => own.has(rows)) };
      },
    };
  }
}
