import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Naming, namedLabels } from '../../../../src/readers/prometheus/page/family.ts';

const naming: Naming = { translation: 'underscore_escaping_with_suffixes', escaping: 'underscores', constant: [] };

test('labels of one name on the page are joined', () => {
  assert.deepEqual(
    namedLabels(
      [
        ['b_c', '1'],
        ['a', '2'],
        ['b.c', '3'],
      ],
      naming,
    ),
    [
      ['b_c', '3;1'],
      ['a', '2'],
    ],
  );
});

test("labels that are Prometheus's own on the page are left out, however they are written", () => {
  for (const translation of ['underscore_escaping_with_suffixes', 'no_translation'] as const) {
    for (const escaping of ['underscores', 'allow-utf-8', 'dots', 'values'] as const) {
      const labels = namedLabels(
        [
          ['__name__', 'x'],
          ['..name__', 'x'],
          ['-_y', 'x'],
          ['a', '1'],
        ],
        { ...naming, translation, escaping },
      );
      assert.deepEqual(labels, [['a', '1']]);
    }
  }
});
