import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rejections } from '../../../../src/readers/otlp/transports/rejections.ts';
import { FakeStore } from '../../../helpers/fake-rows.ts';
import { fakeContext } from '../../../helpers/reader-context.ts';

test('a warning is logged as such, once, and is no failure', () => {
  const { context, lines, tallies } = fakeContext(new FakeStore());
  const rejections = new Rejections('there', 'otlp_grpc', context);
  for (const points of [0, 0]) {
    rejections.add({ points, message: 'deprecated' });
    rejections.finish();
  }
  assert.deepEqual(lines, ['warn: there: warning of the receiver: deprecated']);
  assert.deepEqual([...tallies.exportErrors()], []);
  rejections.finish();
  assert.equal(lines[1], 'info: there: nothing is rejected or warned of any more');
});
