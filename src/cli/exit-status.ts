import { MeterError } from '../errors.ts';

/** 2 for a wrong command line, 1 for all else. */
export function exitStatus(error: unknown): 1 | 2 {
  return error instanceof MeterError && error.code === 'usage' ? 2 : 1;
}
