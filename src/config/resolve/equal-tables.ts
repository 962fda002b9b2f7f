import { isDeepStrictEqual } from 'node:util';
import type { EntriesSource, TablePlan } from '../plan.ts';

/** A table with one metric whose entries are read by key, as it can be joined with its like. */
export interface JoinableTable extends TablePlan {
  readonly source: EntriesSource;
}

/**
 * The table as one whose entries are read by key, and undefined where it has several metrics, a gauge, a cache or keys that
 * expire: those keep to one program.
 */
export function joinable(table: TablePlan): JoinableTable | undefined {
  const { source } = table;
  if (table.metrics.length !== 1 || table.metrics[0]!.kind === 'gauge') return undefined;
  if (source.kind === 'entries') {
    const isPlain = source.cache === undefined && source.expire === undefined;
    return isPlain ? { ...table, source } : undefined;
  }
  // A value alone, in an ARRAY map or a data section: its only entry has the key zero.
  const isValue = source.zeros && source.dimensions.every(({ cpu, count }) => !cpu && count === 1);
  if (!isValue || table.labels.length > 0) return undefined;
  const { map, offset } = source.memory;
  return {
    ...table,
    source: { kind: 'entries', map, perCpu: 'no', cache: undefined },
    keySize: 4,
    fields: table.fields.map((field) => ({ ...field, offset: field.offset + offset })),
  };
}

/** Whether two programs' tables are the same but for the map, so that their series are the sums of both. */
export function areEqual(one: JoinableTable, other: JoinableTable): boolean {
  const bare = (table: JoinableTable) => ({ ...table, name: '', source: { ...table.source, map: '' } });
  return isDeepStrictEqual(bare(one), bare(other));
}
