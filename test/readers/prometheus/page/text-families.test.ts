import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TranslationStrategy } from '../../../../src/config/exporter/configuration.ts';
import type { Escaping } from '../../../../src/config/names/escaping.ts';
import type { TablePlan } from '../../../../src/config/plan.ts';
import { Store } from '../../../../src/metrics/store.ts';
import { Tallies } from '../../../../src/metrics/tallies.ts';
import { type Label, makeFamilies, writeFamilies } from '../../../../src/readers/prometheus/page/family.ts';
import { PageBuffer, PagePool } from '../../../../src/readers/prometheus/page/page-buffer.ts';
import { textFamilies } from '../../../../src/readers/prometheus/page/text-families.ts';
import type { TextSyntax } from '../../../../src/readers/prometheus/page/text-syntax.ts';
import {
  counter,
  FakeMap,
  fakeReaders,
  histogram,
  NO_FACTS,
  programPlan,
  tablePlan,
} from '../../../helpers/fake-maps.ts';

interface Options {
  constant?: readonly Label[];
  translation?: TranslationStrategy;
  escaping?: Escaping;
  syntax?: TextSyntax;
}

const WITH_SUFFIXES = 'underscore_escaping_with_suffixes';

async function page(plans: TablePlan[], maps: FakeMap[], options: Options = {}): Promise<string> {
  const program = {
    plan: programPlan('test', plans),
    readers: fakeReaders(maps),
    startTime: [1, 0] as [number, number],
  };
  const store = new Store([program], NO_FACTS, new Tallies());
  await store.read();
  // One byte, so that the buffer has to grow all the time.
  const buffer = new PageBuffer(new PagePool(), 1);
  const naming = { translation: WITH_SUFFIXES, escaping: 'underscores', constant: [], ...options } as const;
  await writeFamilies(makeFamilies(store.tables, naming, textFamilies(options.syntax ?? 'text')), buffer);
  return buffer.bytes.toString('utf8', 0, buffer.length);
}

describe('a page', () => {
  it('of a counter with labels', async () => {
    const map = new FakeMap('events', 8, 8);
    map.set([1, 2], [0]);
    map.set([3, 4], [4294967296]);
    const plan = tablePlan('events', ['system.device', 'op'], 1, [counter('ebpf.events', { unit: '{event}' })]);
    assert.equal(
      await page([plan], [map]),
      `# HELP ebpf_events_total Help of ebpf.events
# TYPE ebpf_events_total counter
ebpf_events_total{system_device="1",op="2"} 0
ebpf_events_total{system_device="3",op="4"} 4294967296
`,
    );
  });

  it('of a counter whose own label has the name of one that all series have', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([1], [5]);
    const plan = tablePlan('events', ['host.name'], 1, [counter('ebpf.events')]);
    const constant = [
      ['host.name', 'h'],
      ['os.type', 'linux'],
    ] as const;
    assert.match(await page([plan], [map], { constant }), /^ebpf_events_total\{host_name="1",os_type="linux"\} 5$/m);
  });

  it('of a gauge without labels, scaled to its unit', async () => {
    const map = new FakeMap('age', 0, 8);
    map.set([], [1500]);
    const scale = { multiplier: 1, divisor: 1000 };
    const plan = tablePlan('age', [], 1, [counter('ebpf.age', { kind: 'gauge', unit: 's', scale })]);
    assert.equal(
      await page([plan], [map]),
      '# HELP ebpf_age_seconds Help of ebpf.age\n# TYPE ebpf_age_seconds gauge\nebpf_age_seconds 1.5\n',
    );
  });

  it('of a histogram: cumulated, +Inf equal to the count, what overflowed only in +Inf', async () => {
    const map = new FakeMap('latency', 4, 40);
    map.set([7], [1, 2, 3, 4, 5_000_001]);
    const plan = tablePlan('latency', ['dev'], 5, [histogram('ebpf.latency', 3)]);
    assert.equal(
      await page([plan], [map]),
      `# HELP ebpf_latency_seconds Help of ebpf.latency
# TYPE ebpf_latency_seconds histogram
ebpf_latency_seconds_bucket{dev="7",le="1e-06"} 1
ebpf_latency_seconds_bucket{dev="7",le="2e-06"} 3
ebpf_latency_seconds_bucket{dev="7",le="4e-06"} 6
ebpf_latency_seconds_bucket{dev="7",le="+Inf"} 10
ebpf_latency_seconds_sum{dev="7"} 5.000001
ebpf_latency_seconds_count{dev="7"} 10
`,
    );
  });

  it('of a histogram without a slot for what is above, without sum, without labels', async () => {
    const map = new FakeMap('latency', 0, 16);
    map.set([], [3, 4]);
    const metric = histogram('ebpf.latency', 2, { slots: 2, sum: undefined });
    assert.equal(
      await page([tablePlan('latency', [], 2, [metric])], [map]),
      `# HELP ebpf_latency_seconds Help of ebpf.latency
# TYPE ebpf_latency_seconds histogram
ebpf_latency_seconds_bucket{le="1e-06"} 3
ebpf_latency_seconds_bucket{le="2e-06"} 7
ebpf_latency_seconds_bucket{le="+Inf"} 7
ebpf_latency_seconds_count 7
`,
    );
  });

  it('has the scope on every line where it is wanted', async () => {
    const constant = [['otel_scope_name', 'ebpf-meter']] as const;
    const events = new FakeMap('events', 0, 8);
    events.set([], [1]);
    const latency = new FakeMap('latency', 4, 24);
    latency.set([7], [1, 0, 1]);
    const plans = [
      tablePlan('events', [], 1, [counter('events')]),
      tablePlan('latency', ['dev'], 3, [histogram('latency', 1)]),
    ];
    const lines = (await page(plans, [events, latency], { constant }))
      .split('\n')
      .filter((line) => /^[a-z]/.test(line));
    assert.deepEqual(lines, [
      'events_total{otel_scope_name="ebpf-meter"} 1',
      'latency_seconds_bucket{dev="7",otel_scope_name="ebpf-meter",le="1e-06"} 1',
      'latency_seconds_bucket{dev="7",otel_scope_name="ebpf-meter",le="+Inf"} 1',
      'latency_seconds_sum{dev="7",otel_scope_name="ebpf-meter"} 0.000001',
      'latency_seconds_count{dev="7",otel_scope_name="ebpf-meter"} 1',
    ]);
  });

  it('adds no suffixes where the strategy says so', async () => {
    const map = new FakeMap('events', 0, 8);
    map.set([], [1]);
    const plan = tablePlan('events', [], 1, [counter('ebpf.events', { unit: 's' })]);
    const text = await page([plan], [map], { translation: 'underscore_escaping_without_suffixes' });
    assert.match(text, /^ebpf_events 1$/m);
  });

  it('has nothing of a metric without series, not even its TYPE', async () => {
    assert.equal(await page([tablePlan('events', ['a'], 1, [counter('events')])], [new FakeMap('events', 4, 8)]), '');
  });

  it('has nothing of a map that could not be read', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([1], [1]);
    map.failure = new Error('EBADF');
    assert.equal(await page([tablePlan('events', ['a'], 1, [counter('events')])], [map]), '');
  });

  it('writes one metric from two tables under one TYPE', async () => {
    const one = new FakeMap('one', 4, 8);
    const two = new FakeMap('two', 4, 8);
    one.set([1], [1]);
    two.set([2], [2]);
    const plans = ['one', 'two'].map((name) => tablePlan(name, ['a'], 1, [counter('events')]));
    assert.equal(
      await page(plans, [one, two]),
      '# HELP events_total Help of events\n# TYPE events_total counter\nevents_total{a="1"} 1\nevents_total{a="2"} 2\n',
    );
  });

  it('escapes line feeds and backslashes in HELP', async () => {
    const map = new FakeMap('events', 0, 8);
    map.set([], [1]);
    const text = await page([tablePlan('events', [], 1, [counter('events', { help: 'a\\b\nc "d"' })])], [map]);
    assert.match(text, /^# HELP events_total a\\\\b\\nc "d"$/m);
  });
});

const metricPlans = (): [TablePlan[], FakeMap[]] => {
  const events = new FakeMap('events', 8, 8);
  events.set([1, 2], [3]);
  const latency = new FakeMap('latency', 4, 24);
  latency.set([7], [1, 0, 1_000_000]);
  const level = new FakeMap('level', 0, 8);
  level.set([], [5]);
  const size = new FakeMap('size', 0, 16);
  size.set([], [3, 4]);
  const bounds = { bounds: [1, 2.5], le: ['1', '2.5'], slots: 2, sum: undefined, unit: '' };
  const plans = [
    tablePlan('events', ['system.device', 'op'], 1, [counter('ebpf.events', { unit: 'By', help: 'a "b"' })]),
    tablePlan('latency', ['dev.name'], 3, [histogram('ebpf.latency', 1)]),
    tablePlan('level', [], 1, [counter('ebpf.level', { kind: 'gauge', unit: '1' })]),
    tablePlan('size', [], 2, [histogram('ebpf.size', 2, bounds)]),
  ];
  return [plans, [events, latency, level, size]];
};

describe('a page of OpenMetrics', () => {
  it('names families without _total, their units, bounds as floats, and no count without a sum', async () => {
    assert.equal(
      await page(...metricPlans(), { syntax: 'openmetrics' }),
      `# HELP ebpf_events_bytes a \\"b\\"
# TYPE ebpf_events_bytes counter
# UNIT ebpf_events_bytes bytes
ebpf_events_bytes_total{system_device="1",op="2"} 3
# HELP ebpf_latency_seconds Help of ebpf.latency
# TYPE ebpf_latency_seconds histogram
# UNIT ebpf_latency_seconds seconds
ebpf_latency_seconds_bucket{dev_name="7",le="1e-06"} 1
ebpf_latency_seconds_bucket{dev_name="7",le="+Inf"} 1
ebpf_latency_seconds_sum{dev_name="7"} 1
ebpf_latency_seconds_count{dev_name="7"} 1
# HELP ebpf_level_ratio Help of ebpf.level
# TYPE ebpf_level_ratio gauge
# UNIT ebpf_level_ratio ratio
ebpf_level_ratio 5
# HELP ebpf_size Help of ebpf.size
# TYPE ebpf_size histogram
ebpf_size_bucket{le="1.0"} 3
ebpf_size_bucket{le="2.5"} 7
ebpf_size_bucket{le="+Inf"} 7
`,
    );
  });

  it('calls a counter unknown that a strategy without suffixes leaves without _total', async () => {
    const text = await page(...metricPlans(), {
      syntax: 'openmetrics',
      translation: 'underscore_escaping_without_suffixes',
    });
    assert.match(text, /^# TYPE ebpf_events unknown\nebpf_events\{/m);
    assert.doesNotMatch(text, /UNIT/);
  });
});

describe('a page with names in UTF-8', () => {
  const options = { translation: 'no_utf8_escaping_with_suffixes', escaping: 'allow-utf-8' } as const;

  it("has them in quotes, the metric's among the labels", async () => {
    assert.equal(
      await page(...metricPlans(), { ...options, constant: [['otel_scope_name', 'x"y']] }),
      `# HELP "ebpf.events_bytes_total" a "b"
# TYPE "ebpf.events_bytes_total" counter
{"ebpf.events_bytes_total","system.device"="1",op="2",otel_scope_name="x\\"y"} 3
# HELP "ebpf.latency_seconds" Help of ebpf.latency
# TYPE "ebpf.latency_seconds" histogram
{"ebpf.latency_seconds_bucket","dev.name"="7",otel_scope_name="x\\"y",le="1e-06"} 1
{"ebpf.latency_seconds_bucket","dev.name"="7",otel_scope_name="x\\"y",le="+Inf"} 1
{"ebpf.latency_seconds_sum","dev.name"="7",otel_scope_name="x\\"y"} 1
{"ebpf.latency_seconds_count","dev.name"="7",otel_scope_name="x\\"y"} 1
# HELP "ebpf.level_ratio" Help of ebpf.level
# TYPE "ebpf.level_ratio" gauge
{"ebpf.level_ratio",otel_scope_name="x\\"y"} 5
# HELP "ebpf.size" Help of ebpf.size
# TYPE "ebpf.size" histogram
{"ebpf.size_bucket",otel_scope_name="x\\"y",le="1"} 3
{"ebpf.size_bucket",otel_scope_name="x\\"y",le="2.5"} 7
{"ebpf.size_bucket",otel_scope_name="x\\"y",le="+Inf"} 7
{"ebpf.size_count",otel_scope_name="x\\"y"} 7
`,
    );
  });

  it('keeps escaped values whole under other names', async () => {
    const map = new FakeMap('events', 8, 8);
    map.set([0x5c_0a_22, 0x22_5c_5c], [1]);
    const plan = tablePlan('events', ['a.b', 'c.d'], 1, [counter('events')]);
    const labels = plan.labels.map((label) => ({ ...label, decoders: [{ name: 'string' }] }));
    const text = await page([{ ...plan, labels }], [map], options);
    assert.ok(text.endsWith('\nevents_total{"a.b"="\\"\\n\\\\","c.d"="\\\\\\\\\\""} 1\n'), text);
  });

  const escaped = {
    dots: 'ebpf_dot_events__bytes__total{system_dot_device="1",op="2"} 3',
    values: 'U__ebpf_2e_events__bytes__total{U__system_2e_device="1",op="2"} 3',
  };
  for (const [escaping, line] of Object.entries(escaped)) {
    it(`has them escaped for those who ask for ${escaping}`, async () => {
      const text = await page(...metricPlans(), { ...options, escaping: escaping as 'dots' | 'values' });
      assert.ok(text.split('\n').includes(line), text);
    });
  }
});

describe('a page that takes long to write', () => {
  it('lets others have their turn, and is whole', async () => {
    const map = new FakeMap('events', 4, 8);
    for (let key = 0; key < 300_000; key++) map.set([key], [key]);
    let turns = 0;
    let done = false;
    const count = () => {
      turns++;
      if (!done) setImmediate(count);
    };
    const written = page([tablePlan('events', ['key'], 1, [counter('events')])], [map]);
    setImmediate(count);
    const text = await written;
    done = true;
    assert.equal(text.split('\n').length, 300_003);
    assert.ok(turns > 1, `${turns} turns`);
  });
});

describe('PagePool', () => {
  it('lends a buffer to one page at a time', () => {
    const pool = new PagePool();
    const first = pool.take(100);
    const second = pool.take(100);
    assert.notEqual(first, second);
    pool.give(first);
    assert.equal(pool.take(50), first);
  });

  it('keeps no more than it needs', () => {
    const pool = new PagePool();
    const buffers = [1, 2, 3, 4].map((size) => pool.take(size));
    for (const buffer of buffers) pool.give(buffer);
    const again = new Set([pool.take(1), pool.take(1), pool.take(1)]);
    assert.equal(buffers.filter((buffer) => again.has(buffer)).length, 2);
  });
});
