import { ConfigError, type Diagnostics } from '../../src/config/yaml/diagnostic.ts';

/** Throws all errors in one ConfigError where there are any. */
export function throwErrors({ hasErrors, errors }: Diagnostics): void {
  if (hasErrors) throw new ConfigError(errors);
}
