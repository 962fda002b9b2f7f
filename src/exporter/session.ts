// What composes a running exporter of a configuration: programs, store and readers, its own health, and a log of what
// it reads. May be imported by `cli`.

import { hostname } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics';
import { type BackgroundListener, listenToBackground } from '../background.ts';
import type { ExporterConfig, ReaderConfig } from '../config/exporter/configuration.ts';
import { scopeName } from '../config/names/scope.ts';
import type { MeterError } from '../errors.ts';
import { readBootId } from '../kernel/boot-id.ts';
import { createKernelFacts } from '../kernel/facts.ts';
import { neededDescriptors, requireDescriptors } from '../kernel/open-files.ts';
import { listenToLibbpf } from '../libbpf/print.ts';
import { enableStats } from '../libbpf/stats.ts';
import { trimMemory } from '../libbpf/trim.ts';
import type { Log } from '../log.ts';
import { ObservedStore } from '../metrics/observed-store.ts';
import { observeCompatible } from '../metrics/own/compatible.ts';
import { Health } from '../metrics/own/health.ts';
import { ownInstruments } from '../metrics/own/instruments.ts';
import { observeProcess } from '../metrics/own/process.ts';
import { sdkViews } from '../metrics/own/sdk-views.ts';
import { exporterResource, type HostFacts } from '../metrics/resource.ts';
import { Store } from '../metrics/store.ts';
import { Tallies } from '../metrics/tallies.ts';
import { keepCgroupIds } from '../programs/cgroup-ids.ts';
import { type LoadedPrograms, loadAll } from '../programs/load-all.ts';
import { checkPossibleCpus } from '../programs/possible-cpus.ts';
import { preparePrograms } from '../programs/prepare.ts';
import { cgroupNames } from '../programs/without-c/cgroup-names.ts';
import type { CreatedReader, ReaderContext } from '../readers/reader.ts';
import { createReader } from '../readers/registry.ts';
import { shutdownReaders } from '../readers/shutdown.ts';
import { version } from '../version.ts';
import { detectResource } from './detect-resource.ts';
import { errorText, logError } from './error-text.ts';
import { compatibleSources, healthSources, lossesOf, unwatchedOf } from './health-sources.ts';
import { refuse, reportPrograms } from './program-report.ts';
import { readingLog } from './reading-log.ts';
import { unusedViews } from './unused-views.ts';

/**
 * The process has 5 s to end in. The rest of them is for what comes before, a signal that waits for its turn, and after, the
 * kernel's taking back of maps: a second or more each where a machine is very busy.
 */
const shutdownMs = 2500;

/** Programs that count and readers that give their metrics away, until it is closed. */
interface Session {
  /** Has readers deliver what they have, and detaches the programs. Never rejects: what fails is logged. */
  close(): Promise<void>;
  /** Whether perf events have to be opened on a CPU that comes online. */
  readonly opensPerfEvents: boolean;
}

/**
 * Starts everything that the configuration asks for, and says what works and what doesn't.
 * Rejects, with nothing left behind, where the configuration is wrong, a reader can't start, or with `strict` where anything
 * failed or nothing is attached. Without it, what can't be attached is told by the readers: one host in many that lacks what
 * is hooked must not look like one whose exporter is broken.
 */
export async function startSession(config: ExporterConfig, log: Log): Promise<Session> {
  if (log.writes('debug')) listenToLibbpf((level, line) => log.debug(`libbpf: ${line}`, { level }));
  await using stack = new AsyncDisposableStack();
  requireDescriptors(neededDescriptors.toLoad, 'before anything is loaded');
  const virtual = checkPossibleCpus();
  if (virtual !== undefined) logError(log, 'warn', virtual);

  using prepared = preparePrograms(config, ownInstruments(config));
  for (const warning of [...prepared.warnings, ...unusedViews(prepared, config)]) log.warn(warning);
  const programs = stack.use(loadAll(prepared));
  reportPrograms(programs, log);
  requireDescriptors(neededDescriptors.toServe, 'now that the programs are attached');
  refuse(programs, config.strict, log);
  const bpfStats = config.bpfStats && startStatistics(stack, log);

  const tallies = new Tallies();
  stack.use(listenToBackground(backgroundLog(log, tallies)));
  const health = new Health(tallies);
  const warn = (warning: MeterError) => logError(log, 'warn', warning);
  const plans = programs.running.map(({ plan }) => plan);
  const cgroups = stack.use(cgroupNames(plans, warn))?.cgroups;
  stack.use(keepCgroupIds(programs.running, cgroups, warn));
  const names = config.compatibleMetrics ? 'ebpf_exporter' : 'kernel';
  const kernel = createKernelFacts({ warn, cgroups, names, forgotten: trimMemory });
  const limits = config.readers.map(({ cardinalityLimits }) => cardinalityLimits ?? {});
  const store = new Store(programs.running, kernel, tallies, cgroups, limits);
  const logReading = readingLog(
    log,
    store,
    tallies,
    store.clock,
    () => lossesOf(programs),
    () => unwatchedOf(programs),
  );
  const readings = new ObservedStore(store, (reading) => {
    health.mapsRead(reading.durationMs / 1000);
    logReading(reading);
  });

  const detected = await detectResource(config.detection);
  for (const error of detected.errors) logError(log, 'warn', error);
  const resource = exporterResource(config, hostFacts(warn), detected.attributes);
  const contexts = config.readers.map((reader, index) => {
    const tables = store.tablesOf(index);
    return {
      config: reader,
      context: { store: readings.withTables(tables), tables, resource: resource.attributes, version, log, health },
    };
  });
  const readers: MetricReader[] = [];
  stack.defer(() => closeReaders(readers, programs, log));
  const created = await createReaders(contexts, readers);
  const provider = new MeterProvider({ resource, readers, views: sdkViews(config.views ?? []) });
  const meter = provider.getMeter(scopeName, version);
  const sources = healthSources(programs, store, readings, bpfStats);
  health.bind(meter, sources);
  if (config.compatibleMetrics) {
    observeCompatible(meter, config.namespace, compatibleSources(programs, sources), tallies);
  }
  observeProcess(meter);
  for (const { describe } of created) log.info(`metrics: ${describe}`);

  const running = stack.move();
  return { close: () => running.disposeAsync(), opensPerfEvents: opensPerfEvents(programs) };
}

/** Counts what fails in the background, and logs when that begins and when it is over. */
function backgroundLog(log: Log, tallies: Tallies): BackgroundListener {
  return {
    failed(task, error) {
      tallies.backgroundError(task);
      log.once(task, `${task}: ${errorText(error)}; it is tried again`);
    },
    over: (task) => log.over(task, `${task}: works again`),
  };
}

/** Any CPU may go and come back, and what is open on it is to be opened anew then. */
function opensPerfEvents({ running }: LoadedPrograms): boolean {
  return running.some(({ unwatched }) => [...unwatched()].length > 0);
}

function startStatistics(stack: AsyncDisposableStack, log: Log): boolean {
  try {
    stack.use(enableStats());
    return true;
  } catch (error) {
    logError(log, 'warn', error);
    return false;
  }
}

/** Those that listen come last, since a scrape may follow at once. On failure, what was made so far is in `readers`. */
async function createReaders(
  configs: readonly { readonly config: ReaderConfig; readonly context: ReaderContext }[],
  readers: MetricReader[],
): Promise<CreatedReader[]> {
  const created: CreatedReader[] = [];
  const listening = ({ config }: (typeof configs)[number]) => config.kind === 'prometheus';
  for (const { config, context } of [...configs.filter((one) => !listening(one)), ...configs.filter(listening)]) {
    const one = await createReader(config, context);
    created.push(one);
    readers.push(one.reader);
  }
  return created;
}

/** While receivers are waited for, programs are detached. */
async function closeReaders(readers: readonly MetricReader[], programs: LoadedPrograms, log: Log): Promise<void> {
  const [errors] = await Promise.all([shutdownReaders(readers, shutdownMs), detach(programs)]);
  for (const error of errors) logError(log, 'warn', error);
}

/** The readers have their turn between two, since the kernel may wait for all CPUs at each. */
async function detach({ running }: LoadedPrograms): Promise<void> {
  for (const { links } of running) {
    for (const link of links) {
      await setImmediate();
      link[Symbol.dispose]();
    }
  }
}

function hostFacts(warn: (warning: MeterError) => void): HostFacts {
  return { version, hostName: hostname(), bootId: readBootId(warn) };
}
