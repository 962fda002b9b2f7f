import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

/** What is wrong with a pattern; the message is the cause alone. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

const require = createRequire(import.meta.url);

/**
 * Go's regular expressions (RE2 syntax, https://github.com/google/re2/wiki/Syntax), so that a pattern means the same here as
 * in ebpf_exporter: the leftmost match, by the first alternative. A match takes time in proportion to the text, which others choose
 * (names of processes, paths of cgroups): JavaScript's own backtracks, for minutes with some patterns.
 * Throws PatternError, in Go's words, where the pattern is no regular expression.
 */
export function compileRe2(pattern: string): RE2JS {
  // Some megabytes, for who has patterns.
  const re2 = require('re2js') as typeof import('re2js');
  try {
    return re2.RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof re2.RE2JSException)) throw error;
    throw new PatternError(reason(error), { cause: error });
  }
}

function reason(error: Error & { readonly error?: string; readonly input?: string | null }): string {
  const cause = error.error ?? error.message;
  const where = error.input ?? '';
  return where === '' ? cause : `${cause}: "${where}"${hint(where)}`;
}

/** For who comes from other regular expressions. */
function hint(where: string): string {
  if (/^\(\?<?[=!]/.test(where)) return '; RE2 syntax has no lookaround';
  return /^\\[1-9]/.test(where) ? '; RE2 syntax has no back references' : '';
}
