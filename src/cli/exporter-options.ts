import { MeterError } from '../errors.ts';

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

/** Source: `ebpf_exporter --help`. Those that are called alike, such as `btf.path` and `capabilities.keep`, aren't here. */
const strings: Readonly<Record<string, string>> = {
  'config.dir': 'programs',
  'config.names': 'only',
  'web.listen-address': 'prometheus',
};
const booleans: Readonly<Record<string, string>> = { 'config.strict': 'strict' };
/** What nothing here corresponds to, since nothing is kept for ever. */
const ignored = ['config.skip-cache-size'];

/** Options of ebpf_exporter, with whether they take a value: what the parser has to know of them. */
export const exporterOptionTypes: Readonly<Record<string, 'string' | 'boolean'>> = {
  ...Object.fromEntries([...Object.keys(strings), ...ignored].map((name) => [name, 'string'] as const)),
  ...Object.fromEntries(
    [...Object.keys(booleans), 'config.check', 'debug'].flatMap((name) =>
      [name, `no-${name}`].map((one) => [one, 'boolean'] as const),
    ),
  ),
};

export interface TranslatedOptions {
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
    if (Object.hasOwn(strings, name)) return [{ ...token, name: strings[name]! }];
    if (exporterOptionTypes[name] === 'boolean' && value !== undefined) {
      throw new MeterError('usage', `${rawName} takes no value, not "${value}"`, help);
    }
    if (Object.hasOwn(booleans, name)) return [{ ...token, name: booleans[name]! }];
    if (name === 'debug') return [{ ...token, name: 'log-level', value: 'debug', inlineValue: true }];
    return [];
  });
  const has = (name: string) => options.some((option) => option.name === name);
  return {
    tokens,
    isCheck: has('config.check'),
    isExporterStyle: has('config.dir') || has('config.names'),
    shipped: has('config.dir') ? false : has('config.names') ? true : undefined,
  };
}

const help = { remedy: '"ebpf-meter help run" says what there is.' };
