import type { ProgramsConfig } from '../config/exporter/configuration.ts';
import type { Diagnostics } from '../config/yaml/diagnostic.ts';
import { suggest } from '../config/yaml/nearest.ts';
import { MeterError } from '../errors.ts';

/** What decides whether a program runs. */
interface Candidate {
  readonly name: string;
  readonly expensive: boolean;
}

/** Whether the configuration wants this program: named in `only`, else enabled by its override, else if it isn't expensive. */
export function isSelected({ name, expensive }: Candidate, { only, overrides }: ProgramsConfig): boolean {
  if (only !== undefined) return only.includes(name);
  return overrides.get(name)?.enabled ?? !expensive;
}

/**
 * Programs that the configuration names and that aren't there: reported where a file names them,
 * else each a MeterError('config') in the result.
 */
export function unknownPrograms(
  known: readonly string[],
  { only = [], overrides, places }: ProgramsConfig,
  diagnostics: Diagnostics,
): MeterError[] {
  const missing = (name: string) => !known.includes(name);
  const settings = [
    ...only.filter(missing).map((name) => ({ name, at: places?.get(`only.${name}`) })),
    ...[...overrides.keys()]
      .filter((name) => missing(name) && !only.includes(name))
      .map((name) => ({ name, at: places?.get(`programs.${name}`) })),
  ];
  return settings.flatMap(({ name, at }) => {
    const message = `program "${name}": not found${suggest(name, known)}`;
    if (at === undefined) return [new MeterError('config', message)];
    diagnostics.error(at, message);
    return [];
  });
}
