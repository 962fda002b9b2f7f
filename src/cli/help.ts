import type { Command } from './commands.ts';
import { type AnyOptionRow, optionGroups } from './option-row.ts';
import { allOptions } from './options.ts';
import { wrap } from './wrap.ts';

const overview = `ebpf-meter: what only the Linux kernel knows, as OpenTelemetry metrics

Usage: ebpf-meter [COMMAND] [OPTION]…

Commands:
  run       load BPF programs and give their metrics to Prometheus or OTLP (the default)
  check     load and attach everything once, and say what works
  list      every known program: its metrics, its hooks, and whether it can run here
  help      this text, or that of a command: ebpf-meter help run
  version   the version

ebpf-meter help COMMAND lists a command's options.
`;

/** Where what is said of an option begins. */
const column = 27;

function optionLines({ name, value, help }: AnyOptionRow): string {
  const usage = `  --${name}${value === undefined ? '' : ` ${value}`}`;
  const start = usage.length < column ? usage.padEnd(column) : `${usage}   `;
  return `${start}${wrap(help, column).trimStart()}\n`;
}

function optionsOf(command: Command): string {
  const groups = Object.entries(optionGroups).filter(([, knowing]) =>
    (knowing as readonly Command[]).includes(command),
  );
  return groups
    .flatMap(([group]) => allOptions.flatMap(([, row]) => (row.group === group ? [optionLines(row)] : [])))
    .join('');
}

const texts: Readonly<Record<Command, string>> = {
  run: `Usage: ebpf-meter [run] [OPTION]…

Loads BPF programs, reads their maps when somebody asks, and gives the metrics to Prometheus,
OTLP or both. SIGINT, SIGTERM and SIGHUP end it within 5 s: the programs are detached, and what
is to be pushed is pushed meanwhile.

Options, which win over the configuration file:
${optionsOf('run')}
ebpf_exporter's options do what they do there: --config.dir DIR and --config.names NAME,… are
--programs and --only with its port and its names of metrics (docs/migrating.md).

Exit status: 0 after a signal; 1 where it could not start; 2 for a wrong command line.
`,
  check: `Usage: ebpf-meter check [OPTION]…

Checks all configuration, loads and attaches every program that "run" with the same options
would, says of each what works, and removes them again.

Options:
${optionsOf('check')}
Exit status: 0 where all is well; 1 where anything failed; 2 for a wrong command line.
`,
  list: `Usage: ebpf-meter list [OPTION]…

Shows every known program, the expensive ones too: its metrics, what it attaches to, and whether
it can run here. Nothing is loaded, so no rights are needed; some hooks show only by "check".

Options:
${optionsOf('list')}`,
  help: overview,
  version: `Usage: ebpf-meter version

Prints the version.
`,
};

/** The help on a command, or on all; ends with a line end, no line is longer than 100 columns. */
export function helpText(topic: Command | undefined): string {
  return topic === undefined ? overview : texts[topic];
}
