import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { escapeName } from '../../../src/config/names/escaping.ts';

describe('escapeName', () => {
  const cases: [name: string, underscores: string, dots: string, values: string][] = [
    ['no_escaping:needed', 'no_escaping:needed', 'no__escaping:needed', 'no_escaping:needed'],
    ['a.b', 'a_b', 'a_dot_b', 'U__a_2e_b'],
    ['a.b_total', 'a_b_total', 'a_dot_b__total', 'U__a_2e_b__total'],
    ['a-b', 'a_b', 'a__b', 'U__a_2d_b'],
    ['2xx', '_xx', '__xx', 'U___32_xx'],
    ['a 😱', 'a__', 'a____', 'U__a_20__1f631_'],
    ['花', '_', '__', 'U___82b1_'],
    ['\ud800', '_', '__', 'U___fffd_'],
    ['_x', '_x', '__x', '_x'],
  ];
  for (const [name, underscores, dots, values] of cases) {
    it(JSON.stringify(name), () => {
      assert.equal(escapeName(name, 'allow-utf-8'), name);
      assert.equal(escapeName(name, 'underscores'), underscores);
      assert.equal(escapeName(name, 'dots'), dots);
      assert.equal(escapeName(name, 'values'), values);
    });
  }
});
