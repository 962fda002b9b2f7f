import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageBuffer } from '../../../src/readers/wire/message-buffer.ts';
import { readFields } from '../../../src/readers/wire/read-fields.ts';

test('an embedded message’s length is filled in afterwards, also when the buffer has grown', () => {
  for (const size of [0, 1, 127, 128, 16_384, 3_000_000]) {
    const writer = new MessageBuffer();
    const outer = writer.open(0x0a);
    const inner = writer.open(0x12);
    writer.append(Buffer.alloc(size, 7));
    writer.close(inner);
    writer.close(outer);
    const [field] = readFields(writer.bytes.subarray(0, writer.length));
    const [nested] = readFields(field!.value as Uint8Array);
    assert.equal((nested!.value as Uint8Array).length, size);
  }
});
