import { chars, structOf, u64 } from './layout-types.ts';
import { patternKind } from './name-patterns.ts';

/** The longest names of the kernel's have 50. */
export const tracepointNameBytes = 128;
/** A glob of names, and before it perhaps one of subsystems: `sched:sched_*`. */
const form = /^(?:(?:[\w*?-]|\[!?[\w-]+\])+:)?(?:[\w*?]|\[!?[\w-]+\])+$/;

const key = structOf('tracepoint_key', [['name', chars(tracepointNameBytes)]]);

/** `tracepoints: ['sched:*']`: how often tracepoints are passed, by name. The map's value is the number. */
export const tracepointMaps = patternKind('tracepoints', form, key, u64, 'tracepoint.name');
