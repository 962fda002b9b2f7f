import { mapTypes, variables } from '../../../src/btf/layout.ts';
import { parseBtf } from '../../../src/btf/parse.ts';
import { checkObject } from '../../../src/elf/check.ts';
import { readSections } from '../../../src/elf/file.ts';
import { MeterError } from '../../../src/errors.ts';
import { objectRanges, objects } from '../objects.ts';
import type { StartTarget } from '../target.ts';

/** Damaged objects: refused, or checked and their types read. */
export const start: StartTarget = () => {
  const whole = objects().map((bytes) => ({ bytes, ranges: objectRanges(bytes) }));
  return {
    attempt(attempt) {
      const { bytes, ranges } = attempt.pick(whole);
      const corrupt = attempt.corrupt(bytes, ranges);
      const file = attempt.onceIn(20) ? corrupt.subarray(0, attempt.below(corrupt.length)) : corrupt;
      try {
        checkObject(file);
        const types = readSections(file).find(({ name }) => name === '.BTF');
        if (types === undefined) return 'taken';
        const btf = parseBtf(types.bytes);
        mapTypes(btf);
        variables(btf);
        return 'taken';
      } catch (error) {
        if (error instanceof MeterError && error.code === 'object') return 'refused';
        throw error;
      }
    },
  };
};
