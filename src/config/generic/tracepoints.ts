import type { GenericKind } from './kind.ts';
import { parseLimit, parsePatterns } from './patterns.ts';
import { chars, perCpuHash, structOf, u64 } from './types.ts';

/** The longest names of the kernel's have 50. */
export const tracepointNameBytes = 128;
/** A glob of names, and before it perhaps one of subsystems: `sched:sched_*`. */
const form = /^(?:(?:[\w*?-]|\[!?[\w-]+\])+:)?(?:[\w*?]|\[!?[\w-]+\])+$/;

const key = structOf('tracepoint_key', [['name', chars(tracepointNameBytes)]]);

/** `tracepoints: ['sched:*']`: how often tracepoints are passed, by name. The map's value is the number. */
export const tracepoints: GenericKind = {
  key: 'tracepoints',
  options: ['limit'],
  parse(node, entry, map, diagnostics) {
    const patterns = parsePatterns(node, form, diagnostics);
    const limit = parseLimit(entry);
    if (patterns === undefined) return undefined;
    return {
      layout: perCpuHash(map, key, u64, limit),
      labels: [{ name: 'tracepoint.name', field: 'name', decoders: [{ name: 'string' }] }],
      counts: { kind: 'tracepoints', patterns, limit },
    };
  },
};
