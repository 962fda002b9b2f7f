import type { DecoderKind } from './decoder.ts';
import { readDecimal } from './integers.ts';

/** Decimal text of a system call's number on this architecture → `openat`, or `unknown_syscall:N`. */
export const syscall = {
  name: 'syscall',
  create: (_plan, kernel) => (input) => {
    const number = readDecimal(input, 'syscall');
    return Buffer.from(kernel.syscall(number) ?? `unknown_syscall:${input.toString('latin1')}`, 'latin1');
  },
} as const satisfies DecoderKind;
