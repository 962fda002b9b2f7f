import type { ProgramsConfig } from '../config/exporter.ts';
import { suggest } from '../config/nearest.ts';
import { MeterError } from '../errors.ts';

/** What decides whether a program runs. */
export interface Candidate {
  readonly name: string;
  readonly expensive: boolean;
}

/** Whether the configuration wants this program: named in `only`, else enabled by its override, else if it isn't expensive. */
export function isSelected({ name, expensive }: Candidate, { only, overrides }: ProgramsConfig): boolean {
  if (only !== undefined) return only.includes(name);
  return overrides.get(name)?.enabled ?? !expensive;
}

/** Programs that the configuration names and that aren't there, each MeterError('config'). */
export function unknownPrograms(known: readonly string[], { only = [], overrides }: ProgramsConfig): MeterError[] {
  const missing = (name: string) => !known.includes(name);
  return [
    ...only.filter(missing).map((name) => `program "${name}": not found${suggest(name, known)}`),
    ...[...overrides.keys()]
      .filter((name) => missing(name) && !only.includes(name))
      .map((name) => `distribution.ebpf_meter.programs: program "${name}": not found${suggest(name, known)}`),
  ].map((message) => new MeterError('config', message));
}
