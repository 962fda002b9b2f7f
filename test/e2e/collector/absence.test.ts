import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { callGetppid } from '../../fixtures/plan.ts';
import { Collector, noCollector } from '../../helpers/collector.ts';
import { within } from '../../helpers/deadline.ts';
import { startOtlpServer } from '../../helpers/otlp-server.ts';
import type { RunningMeter } from '../../helpers/process.ts';
import { counting, pushTo, stored, type Temporality, totalOf, unclear } from './pushing.ts';

/** Resolves when so many exports have failed. */
async function failures(meter: RunningMeter, count: number): Promise<void> {
  const reach = async () => {
    while ((await meter.scrape()).total('ebpf_meter_export_failures_total') < count) await setTimeout(20);
  };
  await within(reach(), () => `not yet ${count} failed exports:\n${meter.stderr}`);
}

for (const protocol of ['grpc', 'http'] as const) {
  describe(`a Collector over ${protocol} that goes away`, { skip: noCollector }, () => {
    for (const temporality of ['cumulative', 'delta'] satisfies Temporality[]) {
      const settings = { temporality_preference: temporality };

      it(`${temporality}: ended and started while pushing, the totals are exact`, async () => {
        using folder = counting();
        await using collector = await Collector.start({ protocol });
        await using meter = await pushTo(collector.url, folder, protocol, settings);
        let calls = 0;
        for (const absent of [97, 101]) {
          callGetppid(absent);
          calls += absent;
          await collector.until(() => stored(collector, 'ebpf.calls', temporality) >= calls);
          callGetppid(7);
          await collector.end();
          callGetppid(absent);
          calls += 7 + absent;
          await meter.logged(/ WARN .*export failed/);
          await collector.start();
          await collector.until(() => stored(collector, 'ebpf.calls', temporality) >= calls);
        }
        callGetppid(3);
        const { status, stderr } = await meter.stop();
        await collector.end();
        assert.equal(status, 0, stderr);
        assert.equal(stored(collector, 'ebpf.calls', temporality), calls + 3);
        assert.equal(stored(collector, 'ebpf.io.size', temporality), calls + 3);
        assert.equal(collector.points('ebpf_meter.export.unclear').length, 0);
        assert.match(stderr, / INFO {2}OTLP to \S+: delivering again after \d+ failed export/);
      });

      it(`${temporality}: killed while it hands on, the totals are those that are not called unclear`, async () => {
        using folder = counting();
        await using behind = await startOtlpServer();
        await using collector = await Collector.start({ protocol, forwardTo: `localhost:${behind.port}` });
        await using meter = await pushTo(collector.url, folder, protocol, settings);
        const points = () => behind.accepted.flatMap((received) => received.metric('ebpf.calls')?.points ?? []);
        const total = () =>
          totalOf(
            points().map(({ attributes, value }) => ({ attributes, value: Number(value) })),
            temporality,
          );
        callGetppid(97);
        await within(
          behind.waitFor(() => total() >= 97),
          () => 'nothing came',
        );
        await collector.end('SIGKILL');
        callGetppid(101);
        await failures(meter, 2);
        await collector.start();
        await within(
          behind.waitFor(() => total() >= 198),
          () => 'nothing came again',
        );
        callGetppid(3);
        const doubtful = await unclear(meter, 'ebpf.calls');
        const { status, stderr } = await meter.stop();
        assert.equal(status, 0, stderr);
        assert.ok(total() >= 201 && total() <= 201 + doubtful, `${total()} of 201, ${doubtful} unclear`);
      });
    }

    it('frozen past the deadline: at least the truth, at most what is called unclear more', async () => {
      using folder = counting();
      await using collector = await Collector.start({ protocol });
      const settings = { temporality_preference: 'delta', timeout: 300 };
      await using meter = await pushTo(collector.url, folder, protocol, settings);
      callGetppid(97);
      await collector.until(() => stored(collector, 'ebpf.calls', 'delta') >= 97);
      collector.freeze();
      callGetppid(101);
      await failures(meter, 3);
      callGetppid(11);
      collector.thaw();
      await collector.until(() => stored(collector, 'ebpf.calls', 'delta') >= 97 + 101 + 11);
      const doubtful = await unclear(meter, 'ebpf.calls');
      const { status, stderr } = await meter.stop();
      await collector.end();
      assert.equal(status, 0, stderr);
      const total = stored(collector, 'ebpf.calls', 'delta');
      assert.ok(total >= 209 && total <= 209 + doubtful, `${total} of 209, ${doubtful} unclear`);
      assert.match(stderr, / WARN .*export failed: /);
    });

    it('nobody there at the start: the first totals come as soon as somebody is', async () => {
      using folder = counting();
      await using collector = await Collector.start({ protocol });
      await collector.end();
      await using meter = await pushTo(collector.url, folder, protocol, { temporality_preference: 'delta' });
      callGetppid(97);
      await failures(meter, 3);
      await collector.start();
      await collector.until(() => stored(collector, 'ebpf.calls', 'delta') >= 97);
      const { status } = await meter.stop();
      await collector.end();
      assert.equal(status, 0);
      assert.equal(stored(collector, 'ebpf.calls', 'delta'), 97);
    });
  });
}
