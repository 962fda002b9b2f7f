import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock } from '../../../src/metrics/clock.ts';
import { counter, FakeMap, histogram, tablePlan } from '../../helpers/fake-maps.ts';
import { type DecodedTimestamp, decodeFamilies } from '../../helpers/metric-families.ts';
import { serve } from '../../helpers/serving.ts';

const AT = 1_800_000_000;
const HOUR = 3600;
const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

test('the clock is set back by an hour: nothing on a page was created after it was scraped', async () => {
  const now = { wall: AT * 1000, steady: 0 };
  const clock = new Clock({ wall: () => now.wall, steady: () => now.steady, origin: [AT - 2, 0] });
  const events = new FakeMap('events', 4, 8);
  const latency = new FakeMap('latency', 4, 8 * 28);
  const plans = [
    tablePlan('events', ['key'], 1, [counter('ebpf.events')]),
    tablePlan('latency', ['key'], 28, [histogram('ebpf.latency', 26)]),
  ];
  await using serving = await serve(plans, [events, latency], {}, clock);
  const scrape = async (): Promise<Map<string, DecodedTimestamp[]>> => {
    now.wall += 10_000;
    now.steady += 10_000;
    const response = await fetch(serving.url, { headers: { accept: PROTOBUF } });
    const families = decodeFamilies(await response.bytes());
    const created = families.map(({ name, metric }) => {
      const times = metric.map((one) => (one.counter ?? one.histogram)?.createdTimestamp);
      return [name, times.filter((time) => time !== undefined)] as const;
    });
    const known = created.filter(([, times]) => times.length > 0);
    for (const [name, times] of known) {
      for (const { seconds } of times) assert.ok(Number(seconds) * 1000 < now.wall, `${name}: ${seconds}`);
    }
    return new Map(known);
  };
  const at = (seconds: number): DecodedTimestamp => ({ seconds: String(seconds), nanos: 0 });

  events.set([1], [7]);
  await scrape();
  // They begin with the reading that didn't have them.
  events.set([2], [11]);
  latency.set([1], Array(28).fill(1));
  const before = await scrape();
  const begun = before.get('ebpf_events_total')!;
  assert.deepEqual(begun, [at(1), at(AT + 10)]);
  assert.deepEqual(before.get('ebpf_meter_read_duration_seconds'), [at(AT - 2)]);

  now.wall -= HOUR * 1000;
  const after = await scrape();
  assert.deepEqual(after.get('ebpf_events_total'), [at(1), at(AT + 10 - HOUR)]);
  assert.deepEqual(after.get('ebpf_latency_seconds'), [at(AT + 10 - HOUR)]);
  assert.deepEqual(after.get('ebpf_meter_read_duration_seconds'), [at(AT - 2 - HOUR)]);
  assert.deepEqual(await scrape(), after, 'and it stays so');
});
