import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wrap } from '../../src/cli/wrap.ts';

describe('wrap', () => {
  it('breaks between words so that every line fits with its indent', () => {
    const lines = wrap('word '.repeat(60).trim(), 10).split('\n');
    assert.deepEqual(
      lines.map((line) => line.length),
      [99, 99, 99, 39],
    );
    assert.ok(lines.every((line) => line.startsWith(`${' '.repeat(10)}word`)));
  });

  it('leaves a word that is too long whole, and the line ends that are there', () => {
    const long = 'x'.repeat(120);
    assert.equal(wrap(`a ${long} b\nc`, 2), `  a\n  ${long}\n  b\n  c`);
  });
});
