import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { within } from '../../helpers/deadline.ts';
import { protocols, setUp, totals, values } from './set-up.ts';

const soon = { intervalMs: 3_600_000 };

for (const { kind, start, errorTypes } of protocols) {
  describe(`${kind}: an outage`, () => {
    for (const temporality of ['delta', 'cumulative'] as const) {
      test(`${temporality}: is counted, logged once, and over with the totals right`, async () => {
        await using server = await start();
        const { rows, store, reader, lines, tallies } = await setUp(server, { temporality });
        rows.set('sda', [10, 0, 1, 0, 0, 0]);
        await reader.forceFlush();
        server.behaviour = 'unavailable';
        for (const reads of [13, 18]) {
          store.time++;
          rows.set('sda', [reads, 0, 1, reads - 10, 0, 0]);
          await assert.rejects(reader.forceFlush(), { code: 'reader' });
        }
        const errorType = errorTypes.unavailable;
        assert.deepEqual([...tallies.exportErrors()], [{ exporter: kind, errorType, count: 2 }]);
        assert.equal(lines.length, 1);
        assert.match(lines[0]!, new RegExp(`^warn: OTLP to ${server.url}: export failed: `));

        server.behaviour = 'accept';
        store.time++;
        rows.set('sda', [20, 0, 1, 10, 0, 0]);
        await reader.forceFlush();
        assert.deepEqual(lines.slice(1), [`info: OTLP to ${server.url}: delivering again after 2 failed exports`]);
        assert.equal(server.accepted.length, 2);
        const reads = server.accepted.map((received) => received.metric('ebpf.reads')!.points[0]!);
        const isDelta = temporality === 'delta';
        assert.deepEqual(
          reads.map(({ value }) => value),
          isDelta ? [10n, 10n] : [10n, 20n],
        );
        assert.deepEqual(
          server.accepted[1]!.metric('ebpf.latency')!.points[0]!.counts,
          isDelta ? [0, 10, 0] : [1, 10, 0],
        );
        assert.equal(reads[1]!.start, isDelta ? reads[0]!.time : reads[0]!.start);
        const failures = server.accepted[1]!.metric('ebpf_meter.export.failures')!.points;
        assert.deepEqual(
          failures.map(({ attributes, value }) => [attributes, value]),
          [[{ exporter: kind, 'error.type': errorType }, 2]],
        );
        assert.equal(server.accepted[1]!.metric('ebpf_meter.export.unclear'), undefined);
        await reader.shutdown();
      });
    }

    test('its own deltas are made at the boundary too', async () => {
      await using server = await start();
      const { rows, reader } = await setUp(server, { temporality: 'delta' });
      rows.set('sda', [1, 0, 0, 0, 0, 0]);
      await reader.forceFlush();
      server.behaviour = 'unavailable';
      await assert.rejects(reader.forceFlush());
      await assert.rejects(reader.forceFlush());
      server.behaviour = 'accept';
      await reader.forceFlush();
      await reader.shutdown();
      // One more reading than exports that arrived, each told once.
      const reads = server.accepted.map((received) => received.metric('ebpf_meter.read.duration')!);
      assert.ok(reads.every((metric) => metric.temporality === 'delta'));
      assert.deepEqual(
        reads.map(({ points }) => points[0]!.count),
        [1, 3, 1],
      );
      assert.deepEqual(
        reads.map(({ points }) => points[0]!.counts!.reduce((sum, count) => sum + count, 0)),
        [1, 3, 1],
      );
      assert.equal(totals(server, 'ebpf_meter.export.failures'), 2);
      assert.equal(reads[1]!.points[0]!.start, reads[0]!.points[0]!.time);
    });

    test('nobody there: the totals follow by themselves when somebody is', async () => {
      const gone = await start();
      await gone[Symbol.asyncDispose]();
      const { rows, reader, tallies } = await setUp(gone, { temporality: 'delta' }, soon);
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      await assert.rejects(reader.forceFlush());
      assert.deepEqual([...tallies.exportErrors()], [{ exporter: kind, errorType: errorTypes.absent, count: 1 }]);
      rows.set('sda', [12, 0, 0, 0, 0, 0]);

      await using server = await start({ port: gone.port });
      const received = await server.waitFor(() => true);
      assert.deepEqual(values(received.metric('ebpf.reads')), [12n], 'what is there now, not what was then');
      assert.equal(received.metric('ebpf_meter.export.unclear'), undefined);
      await reader.shutdown();
    });

    test('while nobody is there, every interval is a failure, and series that vanish are kept', async () => {
      const gone = await start();
      await gone[Symbol.asyncDispose]();
      const { rows, reader, tallies } = await setUp(
        gone,
        { temporality: 'delta' },
        { intervalMs: 10, timeoutMs: 5000 },
      );
      const failed = async (count: number) => {
        while ([...tallies.exportErrors()].reduce((sum, one) => sum + one.count, 0) < count) {
          await setImmediate();
        }
      };
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      await within(failed(2), () => 'no two failures');
      rows.remove('sda');
      rows.set('sdb', [3, 0, 0, 0, 0, 0]);
      await within(failed(5), () => 'no five failures');
      await using server = await start({ port: gone.port });
      await server.waitFor(() => totals(server, 'ebpf.reads') === 13);
      await reader.shutdown();
      assert.equal(totals(server, 'ebpf.reads'), 13);
    });

    test('a receiver that hangs: its deadline, then it is unclear what was stored', async () => {
      await using server = await start();
      const { rows, reader, tallies } = await setUp(server, { temporality: 'delta', timeoutMs: 200 });
      rows.set('sda', [10, 0, 1, 0, 0, 0]);
      await reader.forceFlush();
      server.behaviour = 'hang';
      rows.set('sda', [17, 0, 1, 4, 0, 0]);
      await assert.rejects(reader.forceFlush());
      assert.deepEqual([...tallies.exportErrors()], [{ exporter: kind, errorType: errorTypes.hang, count: 1 }]);
      server.behaviour = 'accept';
      rows.set('sda', [20, 0, 1, 5, 0, 0]);
      await reader.forceFlush();
      assert.equal(totals(server, 'ebpf.reads'), 20);
      const unclear = server.accepted.at(-1)!.metric('ebpf_meter.export.unclear')!.points;
      const amounts = new Map(unclear.map(({ attributes, value }) => [attributes.metric, value]));
      assert.equal(amounts.get('ebpf.reads'), 7);
      assert.equal(amounts.get('ebpf.latency'), 4);
      assert.equal(amounts.has('ebpf.depth'), false);
      await reader.shutdown();
    });

    test('a receiver that stores and dies: sent again, and counted as unclear', async () => {
      const first = await start();
      const { rows, reader } = await setUp(first, { temporality: 'delta' });
      first.behaviour = 'vanish';
      rows.set('sda', [10, 0, 1, 0, 0, 0]);
      await assert.rejects(reader.forceFlush());
      assert.equal(totals(first, 'ebpf.reads'), 10);
      await using server = await start({ port: first.port });
      const again = await server.waitFor((received) => received.metric('ebpf_meter.export.unclear') !== undefined);
      assert.equal(totals(server, 'ebpf.reads'), 10);
      const unclear = again.metric('ebpf_meter.export.unclear')!.points;
      assert.equal(unclear.find(({ attributes }) => attributes.metric === 'ebpf.reads')!.value, 10);
      await reader.shutdown();
    });

    test('cumulative: nothing is unclear, since the same total twice is the same total', async () => {
      await using server = await start();
      const { rows, reader } = await setUp(server, { timeoutMs: 200 });
      server.behaviour = 'hang';
      rows.set('sda', [10, 0, 1, 0, 0, 0]);
      await assert.rejects(reader.forceFlush());
      server.behaviour = 'accept';
      await reader.forceFlush();
      assert.equal(server.accepted.at(-1)!.metric('ebpf_meter.export.unclear'), undefined);
      await reader.shutdown();
    });

    test('a receiver that says when to come again is asked then, not before', async () => {
      await using server = await start();
      const { rows, reader } = await setUp(server, {}, { intervalMs: 20, timeoutMs: 5000 });
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      server.behaviour = 'unavailable';
      server.retryAfterS = 1;
      // From before it is refused, since the machine may come between that and the next line.
      const begin = performance.now();
      await server.waitForRequests(1);
      server.behaviour = 'accept';
      await server.waitFor(() => true);
      // A timer may be a millisecond early.
      assert.ok(performance.now() - begin >= 950);
      await reader.shutdown();
    });

    test('a receiver that asks for no pause at all is not asked before the back-off is over', async () => {
      await using server = await start();
      const { rows, reader } = await setUp(server, {}, { intervalMs: 20, timeoutMs: 5000 });
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      server.behaviour = 'unavailable';
      server.retryAfterS = 0;
      // From before it is refused, since the machine may come between that and the next line.
      const begin = performance.now();
      await server.waitForRequests(1);
      server.behaviour = 'accept';
      await server.waitFor(() => true);
      // A second but for a fifth, and a timer may be a millisecond early.
      assert.ok(performance.now() - begin >= 750);
      assert.deepEqual([server.requests, server.probes], [2, 1]);
      await reader.shutdown();
    });

    test('a receiver that asks for ages gets minutes; it is logged, and what is left out is counted', async () => {
      await using server = await start();
      const { rows, reader, lines, tallies } = await setUp(server, {}, { intervalMs: 5, timeoutMs: 5000 });
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      server.behaviour = 'unavailable';
      server.retryAfterS = 999_999_999_999;
      const failed = async (): Promise<void> => {
        while (![...tallies.exportErrors()].some(({ count }) => count >= 7)) await setImmediate();
      };
      await within(failed(), () => `counted ${JSON.stringify([...tallies.exportErrors()])}`);
      assert.deepEqual([server.requests, server.probes], [1, 0]);
      assert.deepEqual(lines.slice(1), [
        `warn: OTLP to ${server.url}: nothing is sent for 300 s: the receiver asks for more than 300 s, which is the most it gets; each interval counts as a failed export`,
      ]);
      server.behaviour = 'accept';
      await reader.shutdown();
      assert.equal(server.accepted.length, 1);
      assert.deepEqual(
        [...tallies.exportErrors()].map(({ errorType }) => errorType),
        [errorTypes.unavailable],
      );
    });

    test('what was stored is delivered, however long the answer is that says so', async () => {
      await using server = await start();
      const { rows, reader, lines } = await setUp(server, { temporality: 'delta' });
      server.behaviour = 'verbose';
      for (const reads of [7, 13]) {
        rows.set('sda', [reads, 0, 0, 0, 0, 0]);
        await reader.forceFlush();
      }
      assert.equal(totals(server, 'ebpf.reads'), 13);
      assert.equal(server.requests, 2);
      assert.equal(server.accepted.at(-1)!.metric('ebpf_meter.export.failures'), undefined);
      assert.equal(server.accepted.at(-1)!.metric('ebpf_meter.export.unclear'), undefined);
      const warning = 'warning of the receiver: an answer of more than 4 MiB, which is not read';
      assert.deepEqual(lines, [`warn: OTLP to ${server.url}: ${warning}`]);
      server.behaviour = 'accept';
      await reader.shutdown();
    });

    test('until then the maps are read, so that series that vanish are kept', async () => {
      await using server = await start();
      const { rows, store, reader } = await setUp(server, {}, { intervalMs: 20, timeoutMs: 5000 });
      server.behaviour = 'unavailable';
      server.retryAfterS = 1;
      await server.waitForRequests(1);
      const reading = async (count: number): Promise<void> => {
        for (const { sequence } = store; store.sequence < sequence + count; ) await setImmediate();
      };
      rows.set('sda', [10, 0, 0, 0, 0, 0]);
      await within(reading(2), () => 'the maps are not read');
      rows.remove('sda');
      await within(reading(2), () => 'the maps are not read any more');
      server.behaviour = 'accept';
      await server.waitFor((received) => received.metric('ebpf.reads')?.points[0]?.value === 10n);
      await reader.shutdown();
    });

    test('a receiver that takes only smaller requests gets them', async () => {
      await using server = await start();
      const { rows, reader } = await setUp(server);
      for (let i = 0; i < 2000; i++) rows.set(`disk ${i}`, [i, 0, 0, 0, 0, 0]);
      server.behaviour = 'exhausted';
      await assert.rejects(reader.forceFlush());
      server.behaviour = 'accept';
      const before = server.requests;
      await reader.forceFlush();
      assert.ok(server.requests - before > 1, 'more than one request');
      const keys = server.accepted.flatMap((received) =>
        (received.metric('ebpf.reads')?.points ?? []).map(({ attributes }) => attributes.key),
      );
      assert.equal(new Set(keys).size, 2000);
      assert.equal(keys.length, 2000);
      await reader.shutdown();
    });

    for (const temporality of ['cumulative', 'delta'] as const) {
      test(`${temporality}: it is asked whether it takes larger ones again, which costs no failed export`, async () => {
        await using server = await start();
        const { rows, reader, lines } = await setUp(server, { temporality });
        const requestsOfExport = async (): Promise<number> => {
          const before = server.requests;
          await reader.forceFlush();
          return server.requests - before;
        };
        for (let i = 0; i < 2000; i++) rows.set(`disk ${i}`, [i, 0, 0, 0, 0, 0]);
        assert.equal(await requestsOfExport(), 1);
        server.behaviour = 'exhausted';
        await assert.rejects(reader.forceFlush());
        server.behaviour = 'accept';
        const small = await requestsOfExport();
        assert.ok(small > 1, `${small}`);
        for (let i = 0; i < 9; i++) assert.equal(await requestsOfExport(), small);

        lines.length = 0;
        server.largest = Math.max(...server.sizes.slice(-small));
        for (let i = 0; i < 2000; i++) rows.set(`disk ${i}`, [2 * i, 0, 0, 0, 0, 0]);
        assert.equal(await requestsOfExport(), 1 + small);
        assert.equal(await requestsOfExport(), small);
        assert.deepEqual(lines, []);

        server.largest = Number.POSITIVE_INFINITY;
        // 20 in all, of which two were above.
        for (let i = 0; i < 18; i++) assert.equal(await requestsOfExport(), small);
        assert.ok((await requestsOfExport()) < small);
        if (temporality === 'delta') assert.equal(totals(server, 'ebpf.reads'), 2000 * 1999);
        const newest = new Map(
          server.accepted
            .flatMap((received) => received.metric('ebpf.reads')?.points ?? [])
            .map(({ attributes, value }) => [String(attributes.key), value]),
        );
        for (let i = 0; i < 2000; i++) {
          assert.equal(newest.get(`disk ${i}`), temporality === 'delta' ? 0n : BigInt(2 * i));
        }
        await reader.shutdown();
      });
    }
  });
}
