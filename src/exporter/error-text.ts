import { ConfigError, formatDiagnostic } from '../config/yaml/diagnostic.ts';
import { MeterError } from '../errors.ts';
import { withoutDescriptor } from '../kernel/open-files.ts';
import type { Log } from '../log.ts';

/** An error as a user reads it: the cause, then what to do. Errors of a configuration are shown all, with their places. */
export function errorText(reason: unknown): string {
  const error = withoutDescriptor(reason) ?? reason;
  if (error instanceof ConfigError) return error.diagnostics.map(formatDiagnostic).join('\n');
  if (!(error instanceof MeterError)) return error instanceof Error ? error.message : String(error);
  const all = allOf(error);
  return error.remedy === undefined ? all : `${all}\n${error.remedy}`;
}

/** Where several things of one kind are wrong, the detail has them all, one a line. */
function allOf({ code, message, detail }: MeterError): string {
  const listed = (code === 'usage' || code === 'config') && detail !== undefined;
  return listed ? detail : message;
}

/** Logs an error with its remedy, and at debug level what is too long for a line: the verifier's log. */
export function logError(log: Log, level: 'error' | 'warn' | 'debug', error: unknown): void {
  log[level](errorText(error));
  if (error instanceof MeterError && !(error instanceof ConfigError) && error.detail !== undefined) {
    log.debug(error.detail);
  }
}
