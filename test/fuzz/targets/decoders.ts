import assert from 'node:assert/strict';
import { DecodeError } from '../../../src/decoders/decoder.ts';
import { labelText } from '../../../src/decoders/label-text.ts';
import type { DecoderPlan } from '../../../src/decoders/plan.ts';
import { compileRe2, PatternError } from '../../../src/decoders/re2.ts';
import { automatonOf } from '../../../src/decoders/re2-automaton.ts';
import { checkDecoder, createDecoder, decoderNames } from '../../../src/decoders/registry.ts';
import { automatonMatches } from '../../decoders/automaton-matches.ts';
import { kernelTable } from '../../decoders/kernel-table.ts';
import type { Attempt } from '../attempt.ts';
import type { StartTarget } from '../target.ts';

const patternPieces = [
  'a',
  'b',
  '.',
  '*',
  '+',
  '?',
  '(',
  ')',
  '|',
  '[a-c]',
  '[^/]',
  '^',
  '$',
  '\\d',
  '\\b',
  '{2,3}',
  '(?i)',
  '/',
];
const textPieces = ['a', 'b', 'ab', '/', '1', 'é', '\n', 'system.slice', '-'];
const numbers = ['0', '1', '-1', '257', '2156269582', '18446744073709551615', '99999999999999999999', '0x1', '1e3', ''];

function plan(attempt: Attempt): DecoderPlan {
  const name = attempt.onceIn(20) ? attempt.text(textPieces, 2) : attempt.pick(decoderNames);
  const pairs = Array.from(
    { length: attempt.below(3) },
    () => [attempt.pick(numbers), attempt.pick(textPieces)] as const,
  );
  return {
    name,
    ...(!attempt.onceIn(4) && { staticMap: new Map(pairs) }),
    ...(!attempt.onceIn(4) && { regexps: [attempt.text(patternPieces, 6)] }),
    ...(attempt.onceIn(4) && { allowUnknown: true }),
  };
}

function bytes(attempt: Attempt): Buffer {
  const kind = attempt.below(4);
  if (kind === 0) return Buffer.from(attempt.pick(numbers));
  if (kind === 1) return Buffer.from(attempt.text(textPieces, 8));
  return kind === 2 ? attempt.bytes(40) : Buffer.concat([attempt.bytes(8), Buffer.alloc(attempt.below(9))]);
}

/** Chains of decoders: what makes no sense is an error of its bytes, all else is text, and patterns match as their automaton does. */
export const start: StartTarget = () => ({
  attempt(attempt) {
    const plans = Array.from({ length: 1 + attempt.below(3) }, () => plan(attempt));
    const input = bytes(attempt);
    attempt.input = JSON.stringify({ plans, input: input.toString('hex') }, (_, value) =>
      value instanceof Map ? [...value] : value,
    );
    comparePatterns(attempt);
    if (plans.some((one) => checkDecoder(one) !== undefined)) return 'refused';
    const before = Buffer.from(input);
    try {
      const output = createDecoder(plans, kernelTable)(input);
      if (output !== undefined) assert.ok(labelText(output).isWellFormed());
      return output === undefined ? 'refused' : 'taken';
    } catch (error) {
      if (error instanceof DecodeError) return 'refused';
      throw error;
    } finally {
      assert.deepEqual(input, before, 'the input was changed');
    }
  },
});

function comparePatterns(attempt: Attempt): void {
  const text = attempt.text(textPieces, 6);
  let pattern: ReturnType<typeof compileRe2>;
  try {
    pattern = compileRe2(attempt.text(patternPieces, 6));
  } catch (error) {
    if (error instanceof PatternError) return;
    throw error;
  }
  const automaton = automatonOf([pattern], '/sys');
  // It knows ASCII alone, as far as a path may have it.
  if (automaton === undefined || /\P{ASCII}|\0/u.test(text)) return;
  assert.equal(
    automatonMatches(automaton, text),
    pattern.test(`/sys${text}`),
    JSON.stringify([pattern.pattern(), text]),
  );
}
