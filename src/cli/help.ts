import type { Command } from './args.ts';

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

const programOptions = `  --config FILE            OpenTelemetry configuration file; unset: the file in OTEL_CONFIG_FILE,
                           else the OTEL_* environment variables
  --programs DIR           folder of pairs NAME.yaml + NAME.bpf.o, beside the shipped programs;
                           may be repeated
  --no-shipped             without the shipped programs
  --only NAME,…            just these programs; unset: those that the configuration enables, by
                           default all but the expensive ones
  --namespace NAME         what metrics' names begin with; unset: ebpf
`;

const runOptions = `${programOptions}  --strict                 stop when a program can't be loaded or attached, instead of going on
                           without it
  --btf.path FILE          types of the running kernel, in raw BTF, where it has none of itself
  --capabilities.keep LIST capabilities that are kept once all is attached: all, none, needed
                           (unless set), or names with commas
  --prometheus HOST:PORT   where to serve /metrics; unset: localhost:9435. "off": nowhere
  --web.telemetry-path PATH   another path than /metrics
  --web.config.file FILE   TLS and users of that page, in Prometheus's format
  --otlp URL               push to this OTLP endpoint, such as http://localhost:4317 (gRPC)
                           or http://localhost:4318 (HTTP)
`;

const logOptions = `  --log-level LEVEL        error, warn, info or debug; unset: info
  --log-format FORMAT      text or json; unset: text
  --log.no-timestamps      leave the time out of lines of text
`;

const texts: Readonly<Record<Command, string>> = {
  run: `Usage: ebpf-meter [run] [OPTION]…

Loads BPF programs, reads their maps when somebody asks, and gives the metrics to Prometheus,
OTLP or both. SIGINT, SIGTERM and SIGHUP end it within 5 s: the programs are detached, and what
is to be pushed is pushed meanwhile.

Options, which win over the configuration file:
${runOptions}${logOptions}
ebpf_exporter's options do what they do there: --config.dir DIR and --config.names NAME,… are
--programs and --only with its port and its names of metrics (docs/migrating.md).

Exit status: 0 after a signal; 1 where it could not start; 2 for a wrong command line.
`,
  check: `Usage: ebpf-meter check [OPTION]…

Checks all configuration, loads and attaches every program that "run" with the same options
would, says of each what works, and removes them again.

Options:
  --print                  only print the effective configuration, as a file without its secrets
${runOptions}${logOptions}
Exit status: 0 where all is well; 1 where anything failed; 2 for a wrong command line.
`,
  list: `Usage: ebpf-meter list [OPTION]…

Shows every known program, the expensive ones too: its metrics, what it attaches to, and whether
it can run here. Nothing is loaded, so no rights are needed; some hooks show only by "check".

Options:
${programOptions}${logOptions}`,
  help: overview,
  version: `Usage: ebpf-meter version

Prints the version.
`,
};

/** The help on a command, or on all; ends with a line end, no line is longer than 100 columns. */
export function helpText(topic: Command | undefined): string {
  return topic === undefined ? overview : texts[topic];
}
