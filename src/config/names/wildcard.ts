import { matcher, partOf } from '../../wildcards.ts';
import type { IncludeExclude } from '../exporter/configuration.ts';

/**
 * A test of whole names against a pattern in which `*` stands for any characters, none included, and `?` for one.
 * Source: IncludeExclude of OpenTelemetry's configuration schema, "Instrument selection criteria" in metrics/sdk.md.
 */
export function wildcard(pattern: string): (name: string) => boolean {
  if (!/[*?]/.test(pattern)) return (name) => name === pattern;
  return matcher(pattern.split('').map(partOf));
}

/** A test of names by what is included, all unless said, and what of it is excluded. */
export function chosenBy({ included, excluded = [] }: IncludeExclude): (name: string) => boolean {
  const wanted = included?.map(wildcard);
  const unwanted = excluded.map(wildcard);
  return (name) => (wanted?.some((test) => test(name)) ?? true) && !unwanted.some((test) => test(name));
}
