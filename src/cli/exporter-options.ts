import { MeterError } from '../errors.ts';
import { allOptions } from './options.ts';

/** An option as it stands on the command line. */
export interface OptionToken {
  readonly kind: 'option';
  readonly name: string;
  readonly rawName: string;
  /** Of the argument that it begins with. */
  readonly index: number;
  readonly value?: string | undefined;
  /** Whether it stands behind a `=`. */
  readonly inlineValue?: boolean | undefined;
}

/**
 * Options of ebpf_exporter that are called otherwise here, and what they are here. Source: `ebpf_exporter --help`.
 */
const aliases = new Map(
  allOptions.flatMap(([, { exporter, name, value }]) =>
    exporter === undefined
      ? []
      : [[exporter.name, { ...exporter, option: name, takesValue: value !== undefined && !exporter.value }] as const],
  ),
);
/** What here is a command. */
const check = 'config.check';
/** What nothing here corresponds to, since nothing is kept for ever. */
const ignored = ['config.skip-cache-size'];

const namesOf = (takesValue: boolean) =>
  [...aliases].flatMap(([name, alias]) => (alias.takesValue === takesValue ? [name] : []));

/** Options of ebpf_exporter, with whether they take a value: what the parser has to know of them. */
export const exporterOptionTypes: Readonly<Record<string, 'string' | 'boolean'>> = {
  ...Object.fromEntries([...namesOf(true), ...ignored].map((name) => [name, 'string'] as const)),
  ...Object.fromEntries(
    [...namesOf(false), check].flatMap((name) => [name, `no-${name}`].map((one) => [one, 'boolean'] as const)),
  ),
};

interface TranslatedOptions {
  readonly tokens: readonly OptionToken[];
  /** `--config.check`: what the command `check` does is asked for. */
  readonly isCheck: boolean;
  /** Whether programs are named as there, so that metrics are to be called as there. */
  readonly isExporterStyle: boolean;
  /** Whether the shipped programs run too: beside a folder none does there; undefined where no option says so. */
  readonly shipped: boolean | undefined;
}

/**
 * The options with ebpf_exporter's in our words: what their users type keeps its meaning.
 * Throws MeterError('usage') for what has none here.
 */
export function translateExporterOptions(options: readonly OptionToken[]): TranslatedOptions {
  const tokens = options.flatMap((token): OptionToken[] => {
    const { name, rawName, value } = token;
    if (!Object.hasOwn(exporterOptionTypes, name)) return [token];
    if (exporterOptionTypes[name] === 'boolean' && value !== undefined) {
      throw new MeterError('usage', `${rawName} takes no value, not "${value}"`, help);
    }
    const alias = aliases.get(name);
    if (alias === undefined) return [];
    return [{ ...token, name: alias.option, ...(alias.value && { value: alias.value, inlineValue: true }) }];
  });
  const shipped = options.flatMap(({ name }) => aliases.get(name)?.shipped ?? []);
  return {
    tokens,
    isCheck: options.some(({ name }) => name === check),
    isExporterStyle: shipped.length > 0,
    shipped: shipped.length === 0 ? undefined : !shipped.includes(false),
  };
}

const help = { remedy: '"ebpf-meter help run" says what there is.' };
