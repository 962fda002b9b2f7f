import { errorText, logError } from '../exporter/error-text.ts';
import { absentText, waysText } from '../exporter/program-report.ts';
import { unusedViews } from '../exporter/unused-views.ts';
import { createKernelFacts } from '../kernel/facts.ts';
import { neededDescriptors, requireDescriptors } from '../kernel/open-files.ts';
import { listenToLibbpf } from '../libbpf/print.ts';
import { ownInstruments } from '../metrics/own/instruments.ts';
import { Store } from '../metrics/store.ts';
import { Tallies } from '../metrics/tallies.ts';
import { printable } from '../printable.ts';
import { failuresOf, isAnyAttached, type LoadedPrograms, loadAll } from '../programs/load-all.ts';
import { checkPossibleCpus } from '../programs/possible-cpus.ts';
import { preparePrograms } from '../programs/prepare.ts';
import { configure } from './configuration.ts';
import type { Options } from './options.ts';
import { print } from './output.ts';
import { wrap } from './wrap.ts';

/** Loads and attaches everything once, reads every map, and prints what works: 0 where that is something, and nothing failed. */
export async function check(options: Options): Promise<number> {
  const { config, log } = await configure(options);
  if (log.writes('debug')) listenToLibbpf((level, line) => log.debug(`libbpf: ${line}`, { level }));
  requireDescriptors(neededDescriptors.toLoad, 'before anything is loaded');
  const virtual = checkPossibleCpus();
  if (virtual !== undefined) logError(log, 'warn', virtual);
  using prepared = preparePrograms(config, ownInstruments(config));
  for (const warning of [...prepared.warnings, ...unusedViews(prepared, config)]) log.warn(warning);
  using programs = loadAll(prepared);
  requireDescriptors(neededDescriptors.toServe, 'now that the programs are attached');
  const { errors } = await new Store(programs.running, createKernelFacts(), new Tallies()).read();

  const lines = [
    ...programLines(programs),
    ...[...programs.conflicts, ...errors].map((error) => wrap(errorText(error), 0)),
  ];
  print(
    `${lines.length > 0 ? printable(lines.join('\n')) : 'no program is enabled, so there is nothing to measure'}\n`,
  );
  return isAnyAttached(programs) && failuresOf(programs).length === 0 && errors.length === 0 ? 0 : 1;
}

function programLines({ running, failures }: LoadedPrograms): string[] {
  const widest = Math.max(...[...running, ...failures].map(({ name }) => name.length));
  const line = (name: string, outcome: string) => `${name.padEnd(widest)}  ${outcome}`;
  const reason = (error: Error) => wrap(errorText(error), widest + 2);
  return [
    ...running.flatMap(({ name, attached, hooks, absent }) => {
      const wanted = attached.filter(({ state }) => state !== 'not loaded');
      const there = wanted.filter(({ state }) => state === 'attached');
      const reasons = [...wanted, ...hooks].flatMap(({ error }) => (error === undefined ? [] : [reason(error)]));
      const missing = absent.map((metrics) => wrap(absentText(metrics), widest + 2));
      const ways = waysText(hooks);
      const outcome = `attached ${there.length} of ${wanted.length}${ways === '' ? '' : `, ${ways}`}`;
      return [line(name, outcome), ...reasons, ...missing];
    }),
    ...failures.flatMap(({ name, error }) => [line(name, 'not attached'), reason(error)]),
  ];
}
