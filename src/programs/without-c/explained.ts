import { MeterError } from '../../errors.ts';
import { libbpfCause } from '../../libbpf/error.ts';
import { explain, readEnvironment } from '../reasons.ts';

/** What the kernel refused and why, of a hook that needs what this section needs; anything else than a MeterError is thrown on. */
export function explained(
  subject: string,
  section: string,
  error: unknown,
  code: 'load' | 'attach' = 'attach',
): MeterError {
  if (!(error instanceof MeterError)) throw error;
  const cause = libbpfCause(error);
  return cause === undefined ? error : explain(code, subject, section, cause, readEnvironment());
}
