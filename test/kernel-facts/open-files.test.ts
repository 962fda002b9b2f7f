import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { readBootId } from '../../src/kernel/boot-id.ts';
import { freeDescriptors, requireDescriptors, withoutDescriptor } from '../../src/kernel/open-files.ts';

test('as many descriptors are free as were asked for, or fewer where that is all', () => {
  assert.equal(freeDescriptors(17), 17);
  requireDescriptors(17, 'here');
  const before = openSync('/dev/null', 'r');
  closeSync(before);
  const next = openSync('/dev/null', 'r');
  closeSync(next);
  assert.equal(next, before, 'all were closed again');
});

test('only a lack of descriptors is explained as one', () => {
  const full = Object.assign(new Error("EMFILE: too many open files, open 'x'"), { code: 'EMFILE' });
  assert.match(withoutDescriptor(full)!.message, /^file descriptors: none is left: EMFILE: .*'x'$/);
  assert.equal(withoutDescriptor(Object.assign(new Error('ENOENT'), { code: 'ENOENT' })), undefined);
  assert.equal(withoutDescriptor(undefined), undefined);
});

test("the machine's boot has an id; where it is hidden that is told", () => {
  const warnings: string[] = [];
  assert.match(readBootId(({ message }) => warnings.push(message))!, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
  assert.equal(warnings.length, 0);
  assert.equal(
    readBootId(({ message }) => warnings.push(message), '/proc/nowhere'),
    undefined,
  );
  assert.deepEqual(warnings, [
    "/proc/nowhere: not readable, so that service.instance.id stands on the host's name alone",
  ]);
});
