import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentAddresses, silentNetwork } from '../../../bench/kernel/silent-network.ts';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import type { Counting, HistogramValue } from './counting.ts';
import { countInNamespace } from './namespace.ts';

const none = new Map<string, number>();
const loopback = Object.entries({ ipv4: '127.0.0.1', ipv6: '::1' });

async function numbers(counting: Counting, metrics: readonly string[]) {
  const entries: [string, ReadonlyMap<string, number>][] = [];
  for (const metric of metrics) entries.push([metric, await counting.numbers(metric)]);
  return Object.fromEntries(entries);
}

/** Before Linux 6.10 the tracepoint of sent resets was not called for those that belong to no socket. */
const tellsAllResets = isKernelSince(6, 10);

/** What `tcp.resets.sent` is to be where so many segments were answered that no socket wanted. */
function unwanted(family: string, segments: number): [string, number][] {
  return tellsAllResets ? [[`${family} none`, segments]] : [];
}

const connections = ['tcp.connections.opened', 'tcp.connections.accepted', 'tcp.connections.failed'];
const resets = ['tcp.resets.sent', 'tcp.resets.received'];

function counts(histograms: ReadonlyMap<string, HistogramValue>) {
  return new Map([...histograms].map(([attributes, { count }]) => [attributes, count]));
}

test('connections are counted where they are opened and where they are accepted', async () => {
  for (const [family, address] of loopback) {
    const { counting, lines } = await countInNamespace('tcp', `run closed 7 ${address}`);
    using _ = counting;
    assert.deepEqual(await numbers(counting, connections), {
      'tcp.connections.opened': new Map([[family, 7]]),
      'tcp.connections.accepted': new Map([[family, 7]]),
      'tcp.connections.failed': none,
    });
    assert.deepEqual(await numbers(counting, resets), { 'tcp.resets.sent': none, 'tcp.resets.received': none });
    const latency = await counting.histograms('tcp.connect.latency');
    assert.deepEqual(counts(latency), new Map([[family, 7]]));
    const { sum } = latency.get(family)!;
    assert.ok(sum > 0 && sum < Number(lines[0]) / 1e9, `${sum} s of ${lines[0]} ns`);
    // Both ends of each.
    assert.deepEqual(counts(await counting.histograms('tcp.rtt')), new Map([[family, 14]]));
    assert.deepEqual(await counting.numbers('tcp.connect.unmatched'), new Map([['', 0]]));
  }
});

test('an IPv6 socket that speaks IPv4 counts as IPv4, also in resets', async () => {
  const { counting } = await countInNamespace('tcp', 'run reset 5 ::ffff:127.0.0.1; run refused 3 ::ffff:127.0.0.1');
  using _ = counting;
  assert.deepEqual(await numbers(counting, [...connections, ...resets]), {
    'tcp.connections.opened': new Map([['ipv4', 5]]),
    'tcp.connections.accepted': new Map([['ipv4', 5]]),
    'tcp.connections.failed': new Map([['ipv4 ECONNREFUSED', 3]]),
    'tcp.resets.sent': new Map([...unwanted('ipv4', 3), ['ipv4 closed', 5]]),
    'tcp.resets.received': new Map([
      ['ipv4 established', 5],
      ['ipv4 syn_sent', 3],
    ]),
  });
});

test('refused connections are failures, and a reset is sent without a connection and received by one', async () => {
  for (const [family, address] of loopback) {
    const { counting } = await countInNamespace('tcp', `run refused 23 ${address}`);
    using _ = counting;
    assert.deepEqual(await numbers(counting, [...connections, ...resets]), {
      'tcp.connections.opened': none,
      'tcp.connections.accepted': none,
      'tcp.connections.failed': new Map([[`${family} ECONNREFUSED`, 23]]),
      'tcp.resets.sent': new Map(unwanted(family, 23)),
      'tcp.resets.received': new Map([[`${family} syn_sent`, 23]]),
    });
    assert.deepEqual(counts(await counting.histograms('tcp.connect.latency')), none);
    assert.deepEqual(counts(await counting.histograms('tcp.rtt')), none);
    assert.deepEqual(await counting.numbers('tcp.connect.unmatched'), new Map([['', 0]]));
  }
});

test('connections that are given up, and those that connect() could not begin, are told apart', async () => {
  for (const [family, address] of Object.entries(silentAddresses)) {
    const script = `${silentNetwork}; run abandoned 11 ${address}; run taken 13 ${address} 4711`;
    const { counting } = await countInNamespace('tcp', script);
    using _ = counting;
    assert.deepEqual(await numbers(counting, connections), {
      'tcp.connections.opened': none,
      'tcp.connections.accepted': none,
      // The one that has the port is given up at the end.
      'tcp.connections.failed': new Map([
        [`${family} closed`, 12],
        [`${family} not_sent`, 13],
      ]),
    });
  }
});

test('connections whose SYNs cross are opened, not accepted', async () => {
  for (const [family, address] of loopback) {
    const { counting } = await countInNamespace('tcp', `run crossed 17 ${address}`);
    using _ = counting;
    assert.deepEqual(await numbers(counting, connections), {
      'tcp.connections.opened': new Map([[family, 17]]),
      'tcp.connections.accepted': none,
      'tcp.connections.failed': none,
    });
    assert.deepEqual(counts(await counting.histograms('tcp.connect.latency')), new Map([[family, 17]]));
    assert.deepEqual(await counting.numbers('tcp.connect.unmatched'), new Map([['', 0]]));
  }
});

test('round-trip times are those that the sockets had at their end', async () => {
  const { counting, lines } = await countInNamespace('tcp', 'run measured 97 127.0.0.1');
  using _ = counting;
  const { count, sum, slots } = (await counting.histograms('tcp.rtt')).get('ipv4')!;
  assert.equal(count, 194);
  // TCP_INFO has whole microseconds, the kernel eighths.
  const told = Number(lines[0]);
  const microseconds = Math.round(sum * 1e9) / 1000;
  assert.ok(microseconds >= told && microseconds < told + count, `${sum} s against ${told} us`);
  // Every slot but the first and the last has bounds, which bound the sum too.
  const largest = slots.reduce((total, slot, i) => total + slot * 2 ** i, 0);
  assert.ok(sum * 1e6 <= largest && sum * 1e6 >= (largest - slots[0]!) / 2);
});

test('a connection whose stamp others displaced is unmatched', async () => {
  // Half as many again as there are stamps, of which the older ones go.
  const { counting } = await countInNamespace('tcp', `${silentNetwork}; run late 12007 ${silentAddresses.ipv4}`);
  using _ = counting;
  assert.deepEqual(await counting.numbers('tcp.connections.opened'), new Map([['ipv4', 8]]));
  const measured = (await counting.histograms('tcp.connect.latency')).get('ipv4')!.count;
  const unmatched = (await counting.numbers('tcp.connect.unmatched')).get('')!;
  assert.equal(measured + unmatched, 8);
  assert.ok(unmatched > 0);
});

const alone: readonly (readonly [metric: string, attributes: ReadonlyMap<string, number>])[] = [
  ['tcp.connections.opened', new Map([['ipv4', 7]])],
  ['tcp.connections.accepted', new Map([['ipv4', 7]])],
  ['tcp.connections.failed', new Map([['ipv4 ECONNREFUSED', 5]])],
  ['tcp.connect.unmatched', new Map([['', 0]])],
  ['tcp.resets.sent', new Map(unwanted('ipv4', 5))],
  ['tcp.resets.received', new Map([['ipv4 syn_sent', 5]])],
  ['tcp.connect.latency', new Map([['ipv4', 7]])],
  ['tcp.rtt', new Map([['ipv4', 14]])],
];

test('each metric counts alone', async () => {
  const hooks = new Map([
    ['tcp.resets.sent', 'tcp_send_reset'],
    ['tcp.resets.received', 'tcp_receive_reset'],
  ]);
  for (const [metric, expected] of alone) {
    const script = 'run closed 7 127.0.0.1; run refused 5 127.0.0.1';
    const { counting } = await countInNamespace('tcp', script, { metrics: [metric] });
    using _ = counting;
    assert.deepEqual(counting.attached, [hooks.get(metric) ?? 'inet_sock_set_state']);
    const isHistogram = metric === 'tcp.rtt' || metric === 'tcp.connect.latency';
    const counted = isHistogram ? counts(await counting.histograms(metric)) : await counting.numbers(metric);
    assert.deepEqual(counted, expected, metric);
  }
});
