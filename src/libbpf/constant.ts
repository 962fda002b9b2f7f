import type { BtfType } from '../btf/types.ts';
import { MeterError } from '../errors.ts';

/**
 * The little-endian bytes of a constant of that type: an integer, a boolean (0 or 1), an enum or a pointer.
 * Throws MeterError('config') where the value doesn't fit.
 */
export function encodeConstant(subject: string, type: BtfType, value: number | bigint): Uint8Array {
  const isNumber = type.kind === 'int' || type.kind === 'enum' || type.kind === 'pointer';
  if (!isNumber || type.size > 8) {
    throw new MeterError(
      'config',
      `${subject}: its type is ${type.kind} of ${type.size} bytes; only integers, booleans, enums and pointers up to 8 bytes can be set`,
    );
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new MeterError('config', `${subject}: "${value}" is no integer that is held exactly`);
  }
  const bits = type.size * 8;
  const [least, greatest] =
    type.kind === 'int' && type.bool
      ? [0n, 1n]
      : type.kind !== 'pointer' && type.signed
        ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n]
        : [0n, (1n << BigInt(bits)) - 1n];
  const whole = BigInt(value);
  if (whole < least || whole > greatest) {
    throw new MeterError('config', `${subject}: ${value} is not within ${least} and ${greatest}`);
  }
  const eight = new DataView(new ArrayBuffer(8));
  eight.setBigUint64(0, BigInt.asUintN(64, whole), true);
  return new Uint8Array(eight.buffer, 0, type.size);
}
