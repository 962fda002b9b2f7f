import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { until } from '../../helpers/deadline.ts';
import { type Counting, count } from './counting.ts';
import { hasXdp, veth } from './veth.ts';

/** As bench/kernel/network.c has them: what their attributes are, their size, and how many are sent. */
const frames = [
  ['ipv4 tcp', 60, 97],
  ['ipv4 253', 100, 3],
  ['other none', 30, 5],
  ['ipv6 udp', 62, 89],
  ['ipv6 udp', 150, 83],
  ['ipv4 icmp', 61, 79],
  ['arp none', 42, 7],
  ['other none', 1000, 11],
] as const;

function send(times: number, from: string, kind: number): void {
  execFileSync(buildLoad('network'), ['frame', String(times), from, String(kind)]);
}

/** They are received in a soft interrupt, which may come later. */
async function received(counting: Counting, expected: number): Promise<ReadonlyMap<string, number>> {
  let packets: ReadonlyMap<string, number> = new Map();
  await until(async () => {
    packets = await counting.numbers('xdp.receive.packets');
    return [...packets.values()].reduce((sum, one) => sum + one, 0) >= expected;
  });
  return packets;
}

test('frames and their bytes are counted by what is in them, and reach the kernel', async () => {
  using pair = veth();
  const [one, other] = pair.names;
  using counting = count('xdp', { interfaces: [one] });
  assert.deepEqual(counting.attached, ['count_received']);
  assert.ok(hasXdp(one));
  assert.ok(!hasXdp(other));
  for (const [kind, [, , times]] of frames.entries()) send(times, other, kind);
  const packets = new Map<string, number>();
  const bytes = new Map<string, number>();
  for (const [attributes, size, times] of frames) {
    const key = `${one} ${attributes}`;
    packets.set(key, (packets.get(key) ?? 0) + times);
    bytes.set(key, (bytes.get(key) ?? 0) + times * size);
  }
  assert.deepEqual(await received(counting, 374), packets);
  assert.deepEqual(await counting.numbers('xdp.receive.bytes'), bytes);
  assert.deepEqual(await counting.numbers('xdp.receive.lost'), new Map([['', 0]]));
  const { rx_packets } = statistics(one);
  assert.equal(rx_packets, 374);
});

function statistics(name: string): { rx_packets: number } {
  const [link] = JSON.parse(execFileSync('ip', ['-j', '-s', 'link', 'show', 'dev', name], { encoding: 'utf8' }));
  return { rx_packets: link.stats64.rx.packets };
}

test('several interfaces are counted apart, and are free again afterwards', async () => {
  using pair = veth();
  const [one, other] = pair.names;
  {
    using counting = count('xdp', { interfaces: [one, other] });
    send(13, other, 0);
    send(17, one, 3);
    assert.deepEqual(
      await received(counting, 30),
      new Map([
        [`${one} ipv4 tcp`, 13],
        [`${other} ipv6 udp`, 17],
      ]),
    );
  }
  assert.ok(!hasXdp(one));
  assert.ok(!hasXdp(other));
});

for (const [interfaces, message] of [
  [[], /^xdp: count_received: ENODEV .*: no network interface is named for it to attach to$/],
  [['ebm-missing'], /^xdp: count_received: ENODEV .*: interface "ebm-missing": there is none$/],
  [
    ['lo', 'ebm-missing', 'ebm-other'],
    /: interface "ebm-missing": there is none; interface "ebm-other": there is none$/,
  ],
] as const) {
  test(`not attached: ${JSON.stringify(interfaces)}`, () => {
    assert.throws(() => count('xdp', { interfaces }), { code: 'attach', message });
  });
}

test('an interface that has an XDP program already is named', () => {
  using pair = veth();
  const [one] = pair.names;
  using _counting = count('xdp', { interfaces: [one] });
  assert.throws(() => count('xdp', { interfaces: [one] }), {
    message: new RegExp(`EBUSY .*interface "${one}"`),
    remedy: /has an XDP program already/,
  });
});
