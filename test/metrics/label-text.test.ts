import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LabelReader, labelsText, readLabels } from '../../src/metrics/label-text.ts';

/** The text stands behind another one. */
function read(text: string, names: readonly string[]) {
  const bytes = Buffer.from(`before="1"${text}`);
  return readLabels(bytes, 10, bytes.length - 10, names);
}

describe('labelsText and readLabels', () => {
  const values = ['', 'plain', 'a"b', 'a\\b', 'a\nb', '\\', '"', '\\"', '\\n', 'x="y",z', 'ümlaut 🐝', '},{', '='];
  for (const value of values) {
    it(`carries ${JSON.stringify(value)} there and back`, () => {
      const text = labelsText(['first', 'second'], [value, 'end']);
      assert.deepEqual(read(text, ['first.name', 'second']), { 'first.name': value, second: 'end' });
    });
  }

  it('escapes backslash, quote and line feed', () => {
    assert.equal(labelsText(['a'], ['\\"\n']), 'a="\\\\\\"\\n"');
  });

  it('of no labels is nothing', () => {
    assert.equal(labelsText([], []), '');
    assert.deepEqual(read('', []), {});
  });
});

describe('a LabelReader', () => {
  it('goes from value to value, and copies them as they are written or as what they stand for', () => {
    const bytes = Buffer.from(labelsText(['a', 'long', 'c'], ['x\n"', '\\n', '']));
    const reader = new LabelReader();
    const out = Buffer.alloc(20);
    const copied = (copy: 'copyText' | 'copyValue') => out.toString('utf8', 2, reader[copy](out, 2));
    reader.begin(bytes, 0);
    reader.skip('a="'.length);
    assert.equal(copied('copyText'), '\\\\n"'.replace('\\\\n', 'x\\n\\"'));
    reader.skip(',long="'.length);
    assert.equal(copied('copyValue'), '\\n');
    reader.skipName();
    assert.equal(copied('copyText'), '"');
  });
});
