import { MeterError } from '../errors.ts';
import type { DecoderKind } from './decoder.ts';
import { readSigned, readUnsigned } from './integers.ts';

/**
 * Bytes of an enum's number (1, 2, 4 or 8, little-endian) → its name in `static_map`, whose keys are decimal text;
 * without one `unknown:N`, or N itself with `allow_unknown`. The number is signed where one of the keys is negative,
 * which is when C makes the enum's type signed too. ebpf_exporter has no such decoder.
 */
export const enumeration = {
  name: 'enum',
  create(plan) {
    if (plan.staticMap === undefined) {
      throw new MeterError('config', 'decoder enum: it has no static_map', {
        remedy: 'Give it `static_map: {NUMBER: NAME, …}`, or leave the label to BTF.',
      });
    }
    const names = new Map<string, Buffer>();
    let signed = false;
    for (const [number, name] of plan.staticMap) {
      if (!/^(0|-?[1-9][0-9]*)$/.test(number)) {
        throw new MeterError('config', `decoder enum: "${number}" in static_map is no decimal number`, {
          remedy: 'Use static_map for text.',
        });
      }
      signed ||= number.startsWith('-');
      names.set(number, Buffer.from(name));
    }
    const read = signed ? readSigned : readUnsigned;
    const prefix = plan.allowUnknown ? '' : 'unknown:';
    return (input) => {
      const number = String(read(input, 'enum'));
      return names.get(number) ?? Buffer.from(prefix + number, 'latin1');
    };
  },
} as const satisfies DecoderKind;
