import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config, problems, prometheus, withReaders } from './read.ts';

/** The first line of the views is line 8. */
function withViews(...lines: string[]): string {
  return `${prometheus()}  views:\n${lines.map((line) => `    ${line}\n`).join('')}`;
}

test('a view has everything that the schema gives it', () => {
  const text = withViews(
    '- selector:',
    '    instrument_name: ebpf.a',
    '    instrument_type: histogram',
    '    unit: s',
    '    meter_name: ebpf-meter',
    '    meter_version: 1.10',
    '    meter_schema_url: ""',
    '  stream:',
    '    name: b',
    '    description: B',
    '    attribute_keys: {included: [x.*], excluded: [x.y]}',
    '    aggregation_cardinality_limit: 7',
    '    aggregation: {explicit_bucket_histogram: {boundaries: [0.5, 1], record_min_max: false}}',
  );
  const [view, ...others] = config(text).views!;
  assert.equal(others.length, 0);
  const { at, selectorAt, ...rest } = view!;
  assert.equal(at.line, 20);
  assert.equal(selectorAt.line, 9);
  assert.deepEqual(rest, {
    selector: {
      instrumentName: 'ebpf.a',
      instrumentType: 'histogram',
      unit: 's',
      meterName: 'ebpf-meter',
      meterVersion: '1.10',
      meterSchemaUrl: '',
    },
    name: 'b',
    description: 'B',
    attributeKeys: { included: ['x.*'], excluded: ['x.y'] },
    cardinalityLimit: 7,
    aggregation: { kind: 'explicit_bucket_histogram', boundaries: [0.5, 1], minMax: false },
  });
});

const aggregations: readonly [written: string, expected: object][] = [
  ['default:', { kind: 'default' }],
  ['drop: {}', { kind: 'drop' }],
  ['sum:', { kind: 'sum' }],
  ['last_value:', { kind: 'last_value' }],
  [
    'base2_exponential_bucket_histogram:',
    { kind: 'base2_exponential_bucket_histogram', maxScale: 20, maxSize: 160, minMax: true },
  ],
  [
    'base2_exponential_bucket_histogram: {max_scale: 0, max_size: 40, record_min_max: false}',
    { kind: 'base2_exponential_bucket_histogram', maxScale: 0, maxSize: 40, minMax: false },
  ],
  ['explicit_bucket_histogram: {boundaries: []}', { kind: 'explicit_bucket_histogram', boundaries: [], minMax: true }],
];

for (const [written, expected] of aggregations) {
  test(`aggregation ${written}`, () => {
    const text = withViews('- selector: {unit: s}', '  stream:', '    aggregation:', `      ${written}`);
    assert.deepEqual(config(text).views![0]!.aggregation, expected);
  });
}

const wrong: readonly [lines: readonly string[], expected: readonly string[]][] = [
  [['- selector: {}'], ['8:7 item 1 of "views" has no "stream"']],
  [
    ['- {selector: {instrument: a}, stream: {}}'],
    [
      '8:19 unknown key "instrument"; known: instrument_name, instrument_type, unit, meter_name, meter_version, meter_schema_url',
    ],
  ],
  [
    ['- {selector: {}, stream: {drop: true}}'],
    ['8:31 unknown key "drop"; known: name, description, aggregation, aggregation_cardinality_limit, attribute_keys'],
  ],
  [
    ['- {selector: {instrument_name: a*}, stream: {name: b}}'],
    [
      '8:56 "name": the selector may match several metrics, which can\'t all be called so: give it an "instrument_name" without wildcards',
    ],
  ],
  [
    ['- {selector: {instrument_name: a}, stream: {name: 1b}}'],
    ['8:55 "name": "1b" must start with a letter and have only letters, digits, "_", ".", "-" and "/", at most 255'],
  ],
  [
    ['- {selector: {}, stream: {aggregation: {explicit_bucket_histogram: {boundaries: [1, 1]}}}}'],
    ['8:89 "boundaries": 1 isn\'t above the one before'],
  ],
  [
    ['- {selector: {}, stream: {aggregation: {drop: , sum: }}}'],
    ['8:53 "sum" beside "drop": "aggregation" takes one of them'],
  ],
  [
    ['- {selector: {}, stream: {aggregation_cardinality_limit: 0}}'],
    ['8:62 "aggregation_cardinality_limit" must be an integer from 1 to 2147483647, not "0"'],
  ],
];

for (const [lines, expected] of wrong) {
  test(`rejected: ${lines.join(' ')}`, () => assert.deepEqual(problems(withViews(...lines)), expected));
}

test("cardinality limits are the reader's", () => {
  const text = withReaders(
    '- pull:',
    '    exporter: {prometheus/development: }',
    '    cardinality_limits: {default: 3, observable_gauge: 5}',
    '- periodic:',
    '    exporter: {console: }',
    '    cardinality_limits: {histogram: 7}',
    '- periodic: {exporter: {console: }, cardinality_limits: {}}',
  );
  assert.deepEqual(
    config(text).readers.map(({ cardinalityLimits }) => cardinalityLimits),
    [{ default: 3, observable_gauge: 5 }, { histogram: 7 }, undefined],
  );
});

const meters: readonly [written: string, disabled: boolean][] = [
  ['{}', false],
  ['{default_config: {enabled: true}}', false],
  ['{default_config: {enabled: false}}', true],
  ['{default_config: {enabled: false}, meters: [{name: ebpf-*, config: {enabled: true}}]}', false],
  ['{meters: [{name: other, config: {enabled: false}}]}', false],
  ['{meters: [{name: ebpf?meter, config: {enabled: false}}, {name: ebpf-meter, config: {enabled: true}}]}', true],
];

for (const [written, disabled] of meters) {
  test(`meter_configurator ${written}`, () => {
    const text = `${prometheus()}  meter_configurator/development: ${written}\n`;
    assert.equal(config(text).disabled, disabled);
    assert.equal(problems(text).filter((line) => line.includes('nothing is measured')).length, disabled ? 1 : 0);
  });
}

test('resource detection and constant labels', () => {
  const head = prometheus('resource_constant_labels: {included: ["host.*", service.name], excluded: [host.id]}');
  const text = `${head}resource: {detection/development: {attributes: {excluded: [process.*]}, detectors: [{host: }, {process: {}}, {host: }]}}\n`;
  const { detection, readers } = config(text);
  assert.deepEqual(detection, { detectors: ['host', 'process'], attributes: { excluded: ['process.*'] } });
  assert.deepEqual((readers[0] as { resourceLabels?: object }).resourceLabels, {
    included: ['host.*', 'service.name'],
    excluded: ['host.id'],
  });
});
