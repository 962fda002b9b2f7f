import type { BtfType } from '../../btf/types.ts';
import type { FunctionsSpec, PatternPlan, TracepointsSpec } from '../plan.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { ConfigNode } from '../yaml/document.ts';
import { locatedText } from '../yaml/located.ts';
import { mapOf } from './layout-types.ts';
import type { MapKind } from './map-kind.ts';

/** More hooks than this take minutes to attach one by one. */
const largestLimit = 10_000;
const defaultLimit = 100;

/**
 * Maps of what globs name, `limit` of them at most: `form` is what a glob of these may be, the key a struct of one member,
 * `name`, which the label stands for unless the file says otherwise.
 */
export function patternKind(
  kind: (FunctionsSpec | TracepointsSpec)['kind'],
  form: RegExp,
  key: BtfType,
  value: BtfType,
  label: string,
): MapKind {
  return {
    key: kind,
    options: ['limit'],
    parse(node, entry, map, diagnostics) {
      const patterns = parsePatterns(node, form, diagnostics);
      const limit = entry.get('limit')?.integer({ min: 1, max: largestLimit }) ?? defaultLimit;
      if (patterns === undefined) return undefined;
      return {
        layout: mapOf('percpu_hash', map, key, value, limit),
        labels: [{ name: label, field: 'name', decoders: [{ name: 'string' }] }],
        counts: { kind, patterns, limit },
      };
    },
  };
}

/**
 * A list of globs of what `form` takes as a whole; `!` in front of one leaves out what it matches. Undefined where
 * something is wrong, which is reported.
 */
function parsePatterns(node: ConfigNode, form: RegExp, diagnostics: Diagnostics): PatternPlan[] | undefined {
  const before = diagnostics.errorCount;
  const patterns: PatternPlan[] = [];
  for (const item of node.list() ?? []) {
    const written = locatedText(item);
    if (written === undefined) continue;
    const excludes = written.value.startsWith('!');
    const text = excludes ? written.value.slice(1) : written.value;
    const { at } = written;
    const range = emptyRange(text);
    if (!form.test(text)) {
      item.error(`${JSON.stringify(written.value)} is neither a name nor a glob with *, ? and [...]`);
    } else if (range !== undefined) {
      item.error(`${JSON.stringify(written.value)}: "${range}" has no characters, since it goes down`);
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

/** The first range of a glob's brackets that ends before it begins. */
function emptyRange(glob: string): string | undefined {
  const ranges = glob.matchAll(/\[!?([^\]]+)\]/g).flatMap(([, set]) => set!.matchAll(/(.)-(.)|./g));
  return ranges.find(([, first, last]) => first !== undefined && first > last!)?.[0];
}
