import { checkBtf } from '../../../src/btf/check.ts';
import { enumNames } from '../../../src/btf/enums.ts';
import { mapTypes, variables } from '../../../src/btf/layout.ts';
import { parseBtf } from '../../../src/btf/parse.ts';
import { Kind } from '../../../src/btf/records.ts';
import { readSections } from '../../../src/elf/file.ts';
import { MeterError } from '../../../src/errors.ts';
import { BtfBuilder } from '../../btf/builder.ts';
import type { Attempt } from '../attempt.ts';
import { objects } from '../objects.ts';
import type { StartTarget } from '../target.ts';

const kinds = Object.values(Kind).filter((kind) => kind !== Kind.void);
const names = ['', 'value', 'key', 'type', 'max_entries', '.maps', '.bss', 'char', 'x'];

/** Records of any kind that refer to one another, mostly to those before them. */
function types(attempt: Attempt): Uint8Array {
  const btf = new BtfBuilder();
  const reference = (id: number) => (attempt.onceIn(12) ? attempt.below(40) : attempt.below(id));
  for (let id = 1, count = 1 + attempt.below(30); id <= count; id++) {
    const kind = attempt.onceIn(3) ? Kind.struct : attempt.pick(kinds);
    const length = attempt.below(4);
    const name = () => btf.string(attempt.pick(names));
    const each = (words: () => number[]) => Array.from({ length }, words).flat();
    const words = () => {
      switch (kind) {
        case Kind.int:
          return [attempt.below(2 ** 28)];
        case Kind.variable:
        case Kind.declTag:
          return [attempt.below(3)];
        case Kind.array:
          return [reference(id), reference(id), attempt.onceIn(8) ? attempt.below(2 ** 32) : attempt.below(9)];
        case Kind.struct:
        case Kind.union:
        case Kind.section:
          return each(() => [name(), reference(id), attempt.below(1 << 16)]);
        case Kind.enum64:
          return each(() => [name(), attempt.below(2 ** 32), attempt.below(2 ** 32)]);
        case Kind.enum:
          return each(() => [name(), attempt.below(2 ** 32)]);
        case Kind.prototype:
          return each(() => [name(), reference(id)]);
        default:
          return [];
      }
    };
    const isSized = kind === Kind.int || kind === Kind.struct || kind === Kind.union || kind === Kind.enum;
    btf.add(kind, attempt.pick(names), isSized ? attempt.below(65) : reference(id), words(), {
      length,
      flag: attempt.onceIn(4),
    });
  }
  return btf.bytes();
}

/** What is refused as an object, and not otherwise. */
function isRefused(read: () => void): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (error instanceof MeterError && error.code === 'object') return true;
    throw error;
  }
}

/** Types that compilers make, damaged, and types that none would make. */
export const start: StartTarget = () => {
  const whole = objects().map((file) => readSections(file).find(({ name }) => name === '.BTF')!.bytes);
  return {
    attempt(attempt) {
      const original = attempt.onceIn(2) ? types(attempt) : attempt.pick(whole);
      const bytes = attempt.onceIn(3)
        ? original
        : attempt.corrupt(original, [
            [0, 24],
            [0, original.length],
            [24, original.length],
          ]);
      if (bytes.length < 2000) attempt.input = Buffer.from(bytes).toString('hex');
      isRefused(() => enumNames(bytes, attempt.pick(names)));
      const isUnread = isRefused(() => {
        const btf = parseBtf(bytes);
        mapTypes(btf);
        variables(btf);
      });
      const isWrong = isRefused(() => checkBtf(bytes));
      return isUnread || isWrong ? 'refused' : 'taken';
    },
  };
};
