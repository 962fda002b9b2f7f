import type { ConfigNode } from '../yaml/document.ts';
import type { CardinalityLimits, InstrumentTypeName } from './configuration.ts';
import { section, setting } from './section.ts';

export const instrumentTypeNames = [
  'counter',
  'gauge',
  'histogram',
  'observable_counter',
  'observable_gauge',
  'observable_up_down_counter',
  'up_down_counter',
] as const satisfies readonly InstrumentTypeName[];

const keys = ['default', ...instrumentTypeNames] as const;

/** `cardinality_limits` of a reader. */
export function readLimits(node: ConfigNode | undefined): { readonly cardinalityLimits?: CardinalityLimits } {
  if (node === undefined) return {};
  const map = section(node, { supported: keys });
  const limits: Partial<Record<(typeof keys)[number], number>> = {};
  for (const key of keys) {
    const limit = readLimit(setting(map, key));
    if (limit !== undefined) limits[key] = limit;
  }
  return Object.keys(limits).length === 0 ? {} : { cardinalityLimits: limits };
}

/** Series of one metric, at least 1. */
export function readLimit(node: ConfigNode | undefined): number | undefined {
  return node?.integer({ min: 1, max: 2 ** 31 - 1 });
}
