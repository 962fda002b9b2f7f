import type { Reading, Rows, SeriesStore } from './rows.ts';

/** The store as one reader sees it, who has its own cardinality limits: only these tables are in its readings. */
export function readerStore(store: SeriesStore, tables: readonly Rows[]): SeriesStore {
  const own = new Set(tables);
  return {
    clock: store.clock,
    async read(): Promise<Reading> {
      const reading = await store.read();
      return reading.tables.length === own.size
        ? reading
        : { ...reading, tables: reading.tables.filter((rows) => own.has(rows)) };
    },
    hold: () => store.hold(),
  };
}
