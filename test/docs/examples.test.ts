import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instrument } from '../../src/config/instrument-types.ts';
import { scopeName } from '../../src/config/names/scope.ts';
import { selects } from '../../src/config/views.ts';
import { ownInstruments } from '../../src/metrics/own/instruments.ts';
import { version } from '../../src/version.ts';
import { config, problems } from '../config/exporter/read.ts';
import { configurationExamples } from './configuration-examples.ts';
import { shippedPrograms } from './shipped.ts';

const types = { counter: 'observable_counter', gauge: 'observable_gauge', histogram: 'histogram' } as const;
const programs = shippedPrograms();
const instruments: readonly Instrument[] = [
  ...programs.flatMap(({ metrics }) =>
    metrics.map(({ name, kind, unit }) => ({ name: `ebpf.${name}`, type: types[kind], unit })),
  ),
  ...ownInstruments({ bpfStats: true, namespace: 'ebpf' }),
];

const examples = configurationExamples();

test('there are examples of the configuration', () => assert.ok(examples.length >= 6, `${examples.length}`));

for (const { name, text } of examples) {
  test(`${name}: an example of the configuration is valid, and names what there is`, () => {
    assert.deepEqual(problems(text), []);
    const { views = [], programs: chosen } = config(text);
    for (const { selector } of views) {
      const isThere = instruments.some((one) => selects(selector, one, { name: scopeName, version }));
      assert.ok(isThere, JSON.stringify(selector));
    }
    // Programs of folders of one's own are unknown here.
    if (chosen.directories !== undefined) return;
    for (const wanted of [...(chosen.only ?? []), ...chosen.overrides.keys()]) {
      const program = programs.find((one) => one.name === wanted);
      assert.ok(program, wanted);
      for (const metric of chosen.overrides.get(wanted)?.metrics ?? []) {
        assert.ok(
          program.metrics.some((one) => one.name === metric),
          metric,
        );
      }
    }
  });
}
