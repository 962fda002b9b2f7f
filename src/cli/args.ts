import { parseArgs } from 'node:util';
import { nearest, suggest } from '../config/yaml/nearest.ts';
import { MeterError } from '../errors.ts';
import { type Command, commands } from './commands.ts';
import { exporterOptionTypes, type OptionToken, translateExporterOptions } from './exporter-options.ts';
import { type AnyOptionRow, optionGroups } from './option-row.ts';
import { allOptions, type Options } from './options.ts';

export interface Invocation {
  readonly command: Command;
  /** What `help` is asked for; undefined: the whole. */
  readonly topic: Command | undefined;
  readonly options: Options;
}

interface OptionKind {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean | undefined;
  readonly short?: string;
  /** Which commands know it. */
  readonly commands: readonly Command[];
}

const optionKinds: Readonly<Record<string, OptionKind>> = {
  ...Object.fromEntries(
    allOptions.map(([, { name, value, repeated, group }]): [string, OptionKind] => {
      const type = value === undefined ? 'boolean' : 'string';
      return [name, { type, multiple: repeated, commands: optionGroups[group] }];
    }),
  ),
  // What stands for a command.
  help: { type: 'boolean', short: 'h', commands },
  version: { type: 'boolean', commands: ['run'] },
};

/** What a command line asks for. Throws MeterError('usage'). */
export function parseCommandLine(args: readonly string[]): Invocation {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries([
      ...Object.entries(optionKinds).map(
        ([name, { type, short }]) => [name, { type, multiple: true, ...(short && { short }) }] as const,
      ),
      ...Object.entries(exporterOptionTypes).map(([name, type]) => [name, { type, multiple: true }] as const),
    ]),
    // Its own errors don't know what was meant.
    strict: false,
    tokens: true,
  });
  const positionals = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const translated = translateExporterOptions(tokens.filter((token) => token.kind === 'option'));
  const typed = translated.tokens;
  // First, since what follows an unknown option may be its value, and no command.
  for (const { name, rawName, index } of typed) {
    if (!Object.hasOwn(optionKinds, name)) throw unknownOption(rawName, args[index]!);
  }

  const isNamed = positionals.length > 0;
  const named = commandNamed(positionals.shift() ?? 'run');
  const command = translated.isCheck && named === 'run' ? 'check' : named;
  const given = new Map<string, string[]>();
  for (const token of typed) takeOption(token, command, given);
  const topic = command === 'help' && positionals.length > 0 ? commandNamed(positionals.shift()!) : undefined;
  if (positionals.length > 0) {
    throw usage(`${command}: unexpected argument "${positionals[0]}"`, command);
  }

  const read = Object.fromEntries(allOptions.map(([key, row]) => [key, row.read(wordsOf(row, given))]));
  const options = {
    ...read,
    shipped: read.shipped ?? translated.shipped,
    isExporterStyle: translated.isExporterStyle,
  } as Options;
  if (given.has('help') && command !== 'help') {
    // `ebpf-meter --help` names no command and is about all of them.
    return { command: 'help', topic: isNamed ? command : undefined, options };
  }
  return { command: given.has('version') ? 'version' : command, topic, options };
}

function commandNamed(name: string): Command {
  const command = commands.find((known) => known === name);
  if (command === undefined) throw usage(`unknown command "${name}"${suggest(name, commands)}`);
  return command;
}

function unknownOption(rawName: string, argument: string): MeterError {
  // Of `-config.dir=DIR` the parser sees the letters one by one.
  const typed = rawName.startsWith('--') ? rawName : argument.replace(/=.*/s, '');
  const dashed = (names: readonly string[]) => names.map((name) => `--${name}`);
  const known = dashed(Object.keys(optionKinds));
  const near = nearest(typed, [...known, ...dashed(Object.keys(exporterOptionTypes))]);
  return usage(`unknown option "${typed}"${suggest(typed, near === undefined ? known : [near])}`);
}

function takeOption(token: OptionToken, command: Command, given: Map<string, string[]>): void {
  const { name, rawName, value, inlineValue } = token;
  const kind = optionKinds[name]!;
  if (!kind.commands.includes(command)) throw usage(`${command} has no option ${rawName}`, command);
  if (kind.type === 'boolean' && value !== undefined) {
    throw usage(`${rawName} takes no value, not "${value}"`, command);
  }
  if (kind.type === 'string' && (value === undefined || (!inlineValue && value.startsWith('-')))) {
    throw usage(
      `${rawName} needs a value${value === undefined ? '' : `, and "${value}" looks like an option`}`,
      command,
    );
  }
  const values = given.get(name) ?? [];
  if (values.length > 0 && kind.type === 'string' && !kind.multiple) {
    throw usage(`${rawName} is given twice: "${values[0]}" and "${value}"`, command);
  }
  given.set(name, [...values, value ?? '']);
}

/** The values of an option, each of them one that it may have. */
function wordsOf(
  { name, words }: AnyOptionRow,
  given: ReadonlyMap<string, readonly string[]>,
): readonly string[] | undefined {
  const values = given.get(name);
  const wrong = words && values?.find((value) => !words.includes(value));
  if (wrong !== undefined) throw usage(`--${name}: "${wrong}" is none of ${words!.join(', ')}`);
  return values;
}

function usage(message: string, command?: Command): MeterError {
  const topic = command === undefined || command === 'help' ? '' : ` ${command}`;
  return new MeterError('usage', message, { remedy: `"ebpf-meter help${topic}" says what there is.` });
}
