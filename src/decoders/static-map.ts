import { MeterError } from '../errors.ts';
import type { DecoderKind } from './decoder.ts';

const UNKNOWN = Buffer.from('unknown:');

/**
 * Text → the value that `static_map` gives for it; without one what the plan has for all others, else `unknown:TEXT`, or the
 * text itself with `allow_unknown`.
 */
export const staticMap = {
  name: 'static_map',
  create(plan) {
    if (plan.staticMap === undefined) {
      throw new MeterError('config', 'decoder static_map: it has no static_map', {
        remedy: 'Give it `static_map: {TEXT: NAME, …}`.',
      });
    }
    // Compared byte by byte: latin1 gives different byte strings different keys, which UTF-8 would not where they are invalid.
    const values = new Map<string, Buffer>();
    for (const [key, value] of plan.staticMap) values.set(Buffer.from(key).toString('latin1'), Buffer.from(value));
    const allowUnknown = plan.allowUnknown ?? false;
    const otherwise = plan.otherwise === undefined ? undefined : Buffer.from(plan.otherwise);
    return (input) => {
      const value = values.get(input.toString('latin1'));
      if (value !== undefined) return value;
      if (otherwise !== undefined) return otherwise;
      return allowUnknown ? input : Buffer.concat([UNKNOWN, input]);
    };
  },
} as const satisfies DecoderKind;
