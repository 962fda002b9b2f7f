import { arrayOf, chars, structOf, u64 } from './layout-types.ts';
import { patternKind } from './name-patterns.ts';

/** KSYM_NAME_LEN of include/linux/kallsyms.h: no name is longer. */
export const functionNameBytes = 512;
/** A glob of names, and behind it perhaps one of modules: `ext4_* [ext4]`. */
const form = /^(?:[\w.*?]|\[!?[\w.-]+\])+(?: \[[\w*?-]+\])?$/;

/** HIST_SLOTS of programs/include/histogram.bpf.h. */
const slots = 27;
const key = structOf('function_key', [['name', chars(functionNameBytes)]]);
/** As programs/generic/functions.bpf.c has it. */
const value = structOf('function_calls', [
  ['calls', u64],
  ['missed', u64],
  [
    'latency',
    structOf('hist', [
      ['slots', arrayOf(u64, slots)],
      ['sum', u64],
    ]),
  ],
]);

/** `functions: ['vfs_*', '!vfs_lock*']`: calls of kernel functions by name, and where a metric asks for it their latency. */
export const functionMaps = patternKind('functions', form, key, value, 'code.function.name');
