import type { Scale } from '../plan.ts';

/** What a BPF program may count in. */
export const countedIn = ['ns', 'us', 'ms', 's', 'By', 'KiB', 'sectors', 'pages'] as const;
export type CountedIn = (typeof countedIn)[number];

/** In nanoseconds and bytes: whole numbers, so that the ratio of two units is one too, or its inverse. */
const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  min: 60e9,
  h: 3600e9,
  d: 86400e9,
};

/** A block device's sector is 512 bytes whatever the device's own blocks are (SECTOR_SIZE in include/linux/blk_types.h). */
const bytes: Readonly<Record<string, number>> = {
  By: 1,
  sectors: 512,
  KiB: 2 ** 10,
  KiBy: 2 ** 10,
  MiBy: 2 ** 20,
  GiBy: 2 ** 30,
  TiBy: 2 ** 40,
};

export const unscaled: Scale = { multiplier: 1, divisor: 1 };

/**
 * What turns a number counted in `from` into the UCUM unit `to`; one of the two factors is 1, so that the result is
 * the correctly rounded double. Undefined where the units measure different things.
 * `pageSize` is the kernel's, in bytes.
 */
export function scaleBetween(from: CountedIn, to: string, pageSize: number): Scale | undefined {
  const sizes = from === 'pages' ? { ...bytes, pages: pageSize } : bytes;
  for (const table of [nanoseconds, sizes]) {
    if (!Object.hasOwn(table, from) || !Object.hasOwn(table, to)) continue;
    const a = table[from]!;
    const b = table[to]!;
    if (a % b === 0) return { multiplier: a / b, divisor: 1 };
    if (b % a === 0) return { multiplier: 1, divisor: b / a };
  }
  return undefined;
}

/** raw × multiplier ÷ divisor. */
export function scaled(raw: number, { multiplier, divisor }: Scale): number {
  return (raw * multiplier) / divisor;
}

/** Words for units, in the singular, with UCUM's code and what names of Prometheus's have for it. */
const words: Readonly<Record<string, readonly [code: string, name: string]>> = {
  second: ['s', '_seconds'],
  sec: ['s', '_seconds'],
  millisecond: ['ms', '_milliseconds'],
  msec: ['ms', '_milliseconds'],
  microsecond: ['us', '_microseconds'],
  usec: ['us', '_microseconds'],
  nanosecond: ['ns', '_nanoseconds'],
  nsec: ['ns', '_nanoseconds'],
  minute: ['min', '_minutes'],
  hour: ['h', '_hours'],
  day: ['d', '_days'],
  byte: ['By', '_bytes'],
  b: ['By', '_bytes'],
  kilobyte: ['kBy', '_kilobytes'],
  megabyte: ['MBy', '_megabytes'],
  percent: ['%', '_percent'],
  hertz: ['Hz', '_hertz'],
  celsius: ['Cel', '_celsius'],
  volt: ['V', '_volts'],
  ampere: ['A', '_amperes'],
  joule: ['J', '_joules'],
  watt: ['W', '_watts'],
  meter: ['m', '_meters'],
  gram: ['g', '_grams'],
};

/** The unit that a word stands for where UCUM, which knows no words, has one for it; undefined for all else. */
export function unitMeant(written: string): { readonly code: string; readonly name: string } | undefined {
  const word = written.toLowerCase().replace(/(?<=..)s$/, '');
  // `B` is UCUM's bel, and by far more often meant for bytes.
  const found = Object.hasOwn(words, word) && (written.length > 1 || written === 'B') ? words[word] : undefined;
  return found && { code: found[0], name: found[1] };
}
