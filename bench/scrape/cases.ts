import type { ScrapeKind } from './exporter.ts';

/** What is measured: maps of so many entries, each a counter or a histogram of 27 buckets. */
export interface Case {
  readonly name: string;
  readonly entries: number;
  readonly kind: 'counters' | 'histograms';
  /** ebpf_exporter's CPU ms per scrape in the same case, plain and gzip, on a machine of this kind; undefined: not measured. */
  readonly peer: { readonly plain: number; readonly gzip: number };
  /** CPU ms that a scrape may take, and an OTLP export. */
  readonly goal: Partial<Readonly<Record<ScrapeKind | 'export', number>>>;
  /** Beside plain and gzip. */
  readonly kinds?: readonly ScrapeKind[];
  readonly rounds: number;
}

export const cases: readonly Case[] = [
  { name: '1,000 counters', entries: 1000, kind: 'counters', peer: { plain: 5.4, gzip: 6.5 }, goal: {}, rounds: 60 },
  {
    name: '10,000 counters',
    entries: 10_000,
    kind: 'counters',
    peer: { plain: 54, gzip: 66 },
    goal: { plain: 4, gzip: 6, zstd: 5, OpenMetrics: 5, protobuf: 6, export: 12 },
    kinds: ['zstd', 'OpenMetrics', 'protobuf'],
    rounds: 60,
  },
  {
    name: '100,000 counters',
    entries: 100_000,
    kind: 'counters',
    peer: { plain: 802, gzip: 823 },
    goal: { plain: 48, gzip: 75, export: 100 },
    kinds: ['zstd', 'OpenMetrics', 'protobuf'],
    rounds: 20,
  },
  { name: '40 histograms', entries: 40, kind: 'histograms', peer: { plain: 5.5, gzip: 6.1 }, goal: {}, rounds: 60 },
  {
    name: '400 histograms',
    entries: 400,
    kind: 'histograms',
    peer: { plain: 50, gzip: 58 },
    goal: { plain: 3, gzip: 6, protobuf: 2 },
    kinds: ['zstd', 'OpenMetrics', 'protobuf'],
    rounds: 60,
  },
  {
    name: '4,000 histograms',
    entries: 4000,
    kind: 'histograms',
    peer: { plain: 601, gzip: 684 },
    goal: { plain: 30, gzip: 60 },
    rounds: 20,
  },
];

/** Slots of a histogram, its sum behind them. */
export const SLOTS = 27;
