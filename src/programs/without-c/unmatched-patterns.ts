import type { PatternPlan } from '../../config/plan.ts';
import { nearest } from '../../config/yaml/nearest.ts';
import { MeterError } from '../../errors.ts';
import type { AttachedProgram } from '../running.ts';

export interface UnmatchedPattern {
  readonly pattern: PatternPlan;
  readonly reason: string;
  readonly known: readonly string[];
}

/** Why a glob or a name stands for nothing, with its place in the file. */
export function unmatchedError({ pattern: { text, at }, reason, known }: UnmatchedPattern): MeterError {
  const near = nearest(text, known);
  const hint = near === undefined ? '' : `, did you mean "${near}"?`;
  return new MeterError('attach', `${at.file}:${at.line}:${at.column}: "${text}": ${reason}${hint}`);
}

/** Such a pattern among what is attached and what isn't: it costs itself alone. */
export function unmatchedProgram(map: string, section: string, unmatched: UnmatchedPattern): AttachedProgram {
  const { text } = unmatched.pattern;
  return {
    bpfProgram: `${map}:${text}`,
    section: `${section}/${text}`,
    state: 'failed',
    error: unmatchedError(unmatched),
  };
}

/** That all that globs name is left out by others. */
export function nothingLeftError(map: string): MeterError {
  return new MeterError('attach', `${map}: what its globs name is left out by those with "!"`);
}

/** That globs stand for more than they may. */
export function limitError(patterns: readonly PatternPlan[], what: string, found: number, limit: number): MeterError {
  const { at } = patterns[0]!;
  const globs = patterns.map(({ text, excludes }) => `"${excludes ? '!' : ''}${text}"`).join(', ');
  const message = `${at.file}:${at.line}:${at.column}: ${globs}: ${found} ${what}, more than the limit of ${limit}`;
  return new MeterError('attach', message, { remedy: `Name fewer of them, or set "limit: ${found}"` });
}
