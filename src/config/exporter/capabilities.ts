import { type Capability, capabilityNames } from '../../capability-names.ts';
import { suggest } from '../yaml/nearest.ts';

/** Which capabilities the running process keeps, once all is attached: `needed` are those that it then still needs. */
export type KeptCapabilities = 'all' | 'needed' | readonly Capability[];

/** One word, or names in any case, with `cap_` or without. What is wrong with them is the cause. */
export function keptCapabilities(words: readonly string[]): { kept: KeptCapabilities } | { cause: string } {
  const names = words.map((word) => word.trim()).filter((word) => word !== '');
  const [only] = names;
  if (only === undefined) return { cause: 'nothing is named; write all, none, needed or names such as CAP_SYSLOG' };
  const word = only.toLowerCase();
  if (names.length === 1 && (word === 'all' || word === 'needed')) return { kept: word };
  if (names.length === 1 && word === 'none') return { kept: [] };
  const kept: Capability[] = [];
  for (const name of names) {
    const wanted = `CAP_${name.toUpperCase().replace(/^CAP_/, '')}`;
    const known = capabilityNames.find((one) => one === wanted);
    if (known === undefined) {
      return { cause: `"${name}" is no capability${suggest(wanted, capabilityNames)}, nor all, none or needed alone` };
    }
    kept.push(known);
  }
  return { kept };
}
