import { parseArgs } from 'node:util';
import type { LogLevel } from '../config/exporter/configuration.ts';
import { nearest, suggest } from '../config/yaml/nearest.ts';
import { MeterError } from '../errors.ts';
import { type LogFormat, logFormats, logLevels } from '../log.ts';

import { exporterOptionTypes, type OptionToken, translateExporterOptions } from './exporter-options.ts';

export const commands = ['run', 'check', 'list', 'help', 'version'] as const;

export type Command = (typeof commands)[number];

/** The options as they were typed; what they may say is checked with the configuration. */
export interface Options {
  readonly config: string | undefined;
  readonly programs: readonly string[];
  /** Whether the shipped programs run beside those of the folders. */
  readonly shipped: boolean | undefined;
  readonly only: readonly string[] | undefined;
  readonly strict: boolean | undefined;
  /** Whether the effective configuration is to be printed, and nothing else done. */
  readonly print: boolean;
  readonly btfPath: string | undefined;
  readonly keepCapabilities: string | undefined;
  readonly prometheus: string | undefined;
  readonly webConfigFile: string | undefined;
  /** Where the metrics are served. */
  readonly telemetryPath: string | undefined;
  readonly otlp: string | undefined;
  readonly namespace: string | undefined;
  /** Whether programs are named by ebpf_exporter's options, whose users expect its names of metrics. */
  readonly isExporterStyle: boolean;
  readonly logLevel: LogLevel | undefined;
  readonly logFormat: LogFormat;
  readonly logTimes: boolean;
}

export interface Invocation {
  readonly command: Command;
  /** What `help` is asked for; undefined: the whole. */
  readonly topic: Command | undefined;
  readonly options: Options;
}

interface OptionKind {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly short?: string;
  /** Which commands know it. */
  readonly commands: readonly Command[];
}

const configured: readonly Command[] = ['run', 'check', 'list'];
const running: readonly Command[] = ['run', 'check'];

const optionKinds: Readonly<Record<string, OptionKind>> = {
  config: { type: 'string', commands: configured },
  programs: { type: 'string', multiple: true, commands: configured },
  'no-shipped': { type: 'boolean', commands: configured },
  only: { type: 'string', multiple: true, commands: configured },
  strict: { type: 'boolean', commands: running },
  print: { type: 'boolean', commands: ['check'] },
  // As ebpf_exporter calls it.
  'btf.path': { type: 'string', commands: running },
  'capabilities.keep': { type: 'string', commands: running },
  prometheus: { type: 'string', commands: running },
  // Named as exporters and Prometheus itself do.
  'web.config.file': { type: 'string', commands: running },
  'web.telemetry-path': { type: 'string', commands: running },
  otlp: { type: 'string', commands: running },
  namespace: { type: 'string', commands: configured },
  'log-level': { type: 'string', commands: configured },
  'log-format': { type: 'string', commands: configured },
  'log.no-timestamps': { type: 'boolean', commands: configured },
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

  const options: Options = {
    config: given.get('config')?.[0],
    programs: given.get('programs') ?? [],
    shipped: given.has('no-shipped') ? false : translated.shipped,
    only: given.get('only'),
    strict: given.has('strict') ? true : undefined,
    print: given.has('print'),
    btfPath: given.get('btf.path')?.[0],
    keepCapabilities: given.get('capabilities.keep')?.[0],
    prometheus: given.get('prometheus')?.[0],
    webConfigFile: given.get('web.config.file')?.[0],
    telemetryPath: given.get('web.telemetry-path')?.[0],
    otlp: given.get('otlp')?.[0],
    namespace: given.get('namespace')?.[0],
    isExporterStyle: translated.isExporterStyle,
    logLevel: choice('log-level', given, logLevels),
    logFormat: choice('log-format', given, logFormats) ?? 'text',
    logTimes: !given.has('log.no-timestamps'),
  };
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

function choice<Word extends string>(
  name: string,
  given: ReadonlyMap<string, readonly string[]>,
  words: readonly Word[],
): Word | undefined {
  const value = given.get(name)?.[0];
  const word = words.find((known) => known === value);
  if (value !== undefined && word === undefined) {
    throw usage(`--${name}: "${value}" is none of ${words.join(', ')}`);
  }
  return word;
}

function usage(message: string, command?: Command): MeterError {
  const topic = command === undefined || command === 'help' ? '' : ` ${command}`;
  return new MeterError('usage', message, { remedy: `"ebpf-meter help${topic}" says what there is.` });
}
