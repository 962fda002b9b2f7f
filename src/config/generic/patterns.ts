import type { Diagnostics } from '../diagnostic.ts';
import type { ConfigMap, ConfigNode } from '../document.ts';
import { locatedText } from '../located.ts';
import type { PatternPlan } from '../plan.ts';

/** More hooks than this take minutes to attach one by one. */
const largestLimit = 10_000;
const defaultLimit = 100;

/**
 * A list of globs of what `form` takes as a whole; `!` in front of one leaves out what it matches. Undefined where
 * something is wrong, which is reported.
 */
export function parsePatterns(node: ConfigNode, form: RegExp, diagnostics: Diagnostics): PatternPlan[] | undefined {
  const before = diagnostics.errorCount;
  const patterns: PatternPlan[] = [];
  for (const item of node.list() ?? []) {
    const written = locatedText(item);
    if (written === undefined) continue;
    const excludes = written.value.startsWith('!');
    const text = excludes ? written.value.slice(1) : written.value;
    const { at } = written;
    if (!form.test(text)) {
      item.error(`${JSON.stringify(written.value)} is neither a name nor a glob with *, ? and [...]`);
    } else if (patterns.some((other) => other.text === text && other.excludes === excludes)) {
      item.error(`${JSON.stringify(written.value)} is there twice`);
    } else {
      patterns.push({ text, excludes, at });
    }
  }
  if (diagnostics.errorCount !== before) return undefined;
  if (patterns.some(({ excludes }) => !excludes)) return patterns;
  const only = patterns.length > 0 ? ': each of its globs begins with "!", which leaves out' : '';
  node.error(`${node.subject} names nothing${only}`);
  return undefined;
}

/** The entry's `limit`, or what it is unless set. */
export function parseLimit(entry: ConfigMap): number {
  return entry.get('limit')?.integer({ min: 1, max: largestLimit }) ?? defaultLimit;
}
