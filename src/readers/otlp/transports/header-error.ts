import { MeterError } from '../../../errors.ts';

/** That a header can't be sent; without its value, which is often a secret. */
export function headerError(endpoint: string, name: string, cause: unknown): MeterError {
  const remedy = 'a name has letters, digits, "-", "_" and "."; a value is printable ASCII';
  return new MeterError('reader', `OTLP to ${endpoint}: header "${name}" can't be sent`, { cause, remedy });
}
