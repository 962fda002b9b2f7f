import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Capability } from '../capability-names.ts';
import type { ExporterConfig } from '../config/exporter/configuration.ts';
import { effectiveCapabilities } from '../kernel/capabilities.ts';
import { isKernelBefore } from '../kernel/release.ts';
import { keepCapabilities } from '../libbpf/thread-rights.ts';
import type { Log } from '../log.ts';

/** What decides which capabilities are needed once everything is attached. */
export interface RightsFacts {
  /** As uname(2) gives it: 6.1.0-32-amd64. */
  readonly release: string;
  /** kernel.unprivileged_bpf_disabled; 0: anybody may use bpf(2). */
  readonly unprivilegedBpfDisabled: number;
  /** What the process has. */
  readonly effective: ReadonlySet<Capability>;
  /** Whether files of the configuration are read again while it runs: certificates, passwords. */
  readonly rereadsFiles: boolean;
  /** Whether a CPU may come that perf events have to be opened on. */
  readonly opensPerfEvents: boolean;
}

/** The first version whose bpf(2) asks for no rights where a map is open already (commit c8644cd0efe7). */
const openMapsAreEnough = [6, 0] as const;

/** Which of the process's capabilities it still needs, each with what for. */
export function neededCapabilities(facts: RightsFacts): ReadonlyMap<Capability, string> {
  const needed = new Map<Capability, string>();
  const need = (reason: string, ...names: readonly Capability[]) => {
    const had = names.find((name) => facts.effective.has(name));
    if (had !== undefined) needed.set(had, reason);
  };
  need('names of kernel functions', 'CAP_SYSLOG');
  if (isKernelBefore(facts.release, ...openMapsAreEnough) && facts.unprivilegedBpfDisabled !== 0) {
    need('this kernel asks for it where maps are read', 'CAP_BPF', 'CAP_SYS_ADMIN');
  }
  if (facts.opensPerfEvents) need('perf events of a CPU that comes online', 'CAP_PERFMON', 'CAP_SYS_ADMIN');
  if (facts.rereadsFiles) {
    need('certificates and passwords are read again', 'CAP_DAC_READ_SEARCH', 'CAP_DAC_OVERRIDE');
  }
  return needed;
}

/**
 * Gives up what the process doesn't need any more, in all threads, and says what it keeps and why; what the configuration
 * says is kept instead. Nothing comes back.
 */
export async function giveUpCapabilities(config: ExporterConfig, opensPerfEvents: boolean, log: Log): Promise<void> {
  const { keepCapabilities: wanted = 'needed' } = config;
  if (wanted === 'all') return;
  const effective = effectiveCapabilities();
  const rereadsFiles = config.readers.some((reader) => readsFiles(reader));
  const needed = neededCapabilities({
    release: release(),
    unprivilegedBpfDisabled: readSysctl('kernel/unprivileged_bpf_disabled'),
    effective,
    rereadsFiles,
    opensPerfEvents,
  });
  const kept = wanted === 'needed' ? [...needed.keys()] : wanted;
  const { threads, unchanged } = await keepCapabilities(kept);
  if (unchanged > 0) {
    const reason =
      process.arch === 'x64'
        ? 'since they take no signals: start node with --disable-sigusr1'
        : `since on ${process.arch} only the thread that runs JavaScript can give them up`;
    log.warn(`rights: ${unchanged} of ${threads} threads keep theirs, ${reason}`);
  }
  const given = [...effective].filter((name) => !kept.includes(name)).length;
  if (given === 0) return;
  const reasons = kept
    .filter((name) => effective.has(name))
    .map((name) => {
      const reason = wanted === 'needed' ? needed.get(name) : 'the configuration says so';
      return `${name} (${reason})`;
    });
  log.info(`rights: gave up ${given} capabilities; kept: ${reasons.join(', ') || 'none'}`);
}

function readsFiles(reader: ExporterConfig['readers'][number]): boolean {
  if (reader.kind === 'prometheus') return reader.webConfigFile !== undefined;
  const { exporter } = reader;
  return exporter.kind !== 'console' && Object.values(exporter.tls).some((file) => file !== undefined);
}

/** Where it isn't to be read, it may be anything: 2, as most distributions have it. */
function readSysctl(name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/${name}`, 'latin1'));
  } catch {
    return 2;
  }
}
