import type { ExporterConfig } from '../config/exporter/configuration.ts';
import type { Command } from './commands.ts';

/** What stands together in the help, in this order, and which commands know it. */
export const optionGroups = {
  printing: ['check'],
  programs: ['run', 'check', 'list'],
  running: ['run', 'check'],
  log: ['run', 'check', 'list'],
} as const satisfies Readonly<Record<string, readonly Command[]>>;

type OptionGroup = keyof typeof optionGroups;

export type Checked<Value> = { readonly value: Value } | { readonly cause: string };

/** What an option is called by ebpf_exporter, whose users find it under its name here too. */
interface ExporterName {
  readonly name: string;
  /** What it stands for, so that it takes no value itself. */
  readonly value?: string;
  /** Whether the shipped programs run beside those that it names; metrics are then called as there. */
  readonly shipped?: boolean;
}

/** All that there is to know of one option: what is typed, said of it, and done with it follows from here. */
export interface OptionRow<Typed, Value> {
  /** Behind the two dashes. */
  readonly name: string;
  readonly group: OptionGroup;
  /** What stands for the value in the help; absent: it takes none. */
  readonly value?: string;
  /** Whether it may be given several times. */
  readonly repeated?: boolean;
  /** What the value is one of; absent: anything. */
  readonly words?: readonly string[];
  /** Its line ends stay where lines are broken. */
  readonly help: string;
  readonly exporter?: ExporterName;
  /** The option of all the values that were typed, a '' for one that takes none; they are undefined where it isn't given. */
  readonly read: (given: readonly string[] | undefined) => Typed;
  /** Absent: what was typed is the value. */
  readonly check?: (typed: Exclude<Typed, undefined>) => Checked<Value>;
  /** The configuration with the value in its place; absent: it has none there. */
  readonly place?: (config: ExporterConfig, value: Exclude<Value, undefined>) => ExporterConfig;
}

/** A row of whatever types, for those who go through all. */
export interface AnyOptionRow extends Omit<OptionRow<unknown, unknown>, 'check' | 'place'> {
  readonly check?: (typed: never) => Checked<unknown>;
  readonly place?: (config: ExporterConfig, value: never) => ExporterConfig;
}

export function option<Typed, Value = Exclude<Typed, undefined>>(
  row: OptionRow<Typed, Value>,
): OptionRow<Typed, Value> {
  return row;
}

/** Of an option with one value. */
export const one = (given: readonly string[] | undefined): string | undefined => given?.[0];

/** Of an option without a value that says this. */
export const says =
  (value: boolean) =>
  (given: readonly string[] | undefined): boolean | undefined =>
    given && value;

/** Of an option whose value is one of these words, as args.ts sees to. */
export function wordOf<Word extends string>(
  words: readonly Word[],
  given: readonly string[] | undefined,
): Word | undefined {
  return words.find((word) => word === given?.[0]);
}

/** A check by what tells why a text can't be taken, undefined where it can. */
export const unless =
  (causeOf: (text: string) => string | undefined) =>
  (text: string): Checked<string> => {
    const cause = causeOf(text);
    return cause === undefined ? { value: text } : { cause };
  };
