import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import type { Counting } from './counting.ts';
import { fragmentTimeouts, loopbackCutsUp, untilTimeouts } from './fragments.ts';
import { countInNamespace } from './namespace.ts';

/** Before Linux 5.17 a drop had no reason. */
const reasonOf = (name: string) => (isKernelSince(5, 17) ? name : 'unknown:0');

/** Summed up over the functions that the pattern matches, since compilers put them into one another as they like. */
async function byReason(counting: Counting, functions = /(?:)/): Promise<Map<string, number>> {
  const reasons = new Map<string, number>();
  for (const [attributes, drops] of await counting.numbers('packet.drops')) {
    const [reason, name] = attributes.split(' ') as [string, string];
    if (!functions.test(name)) continue;
    reasons.set(reason, (reasons.get(reason) ?? 0) + drops);
  }
  return reasons;
}

test('packets for a port that nobody has are dropped without a socket, by the function that looked for one', async () => {
  const { counting } = await countInNamespace('drop', 'run refused 23 127.0.0.1; run unheard 17 127.0.0.1');
  using _ = counting;
  const drops = await counting.numbers('packet.drops');
  const reason = reasonOf('NO_SOCKET');
  assert.equal(drops.get(`${reason} tcp_v4_rcv`), 23);
  assert.deepEqual(await byReason(counting, /^(tcp_v4|__udp4_lib|udp)_rcv/), new Map([[reason, 40]]));
  for (const attributes of drops.keys()) assert.match(attributes, /^([A-Z0-9_]+|unknown:0) [a-z_]\w*(\.\w+)*$/);
  assert.deepEqual(await counting.numbers('packet.drops.lost'), new Map([['', 0]]));
});

test('datagrams that a receive buffer drops are packets dropped, of either family', async () => {
  for (const address of ['127.0.0.1', '::1']) {
    const { counting } = await countInNamespace('drop', `run overflow 97 ${address} 53`);
    using _ = counting;
    assert.deepEqual(await byReason(counting, /udp.*queue_rcv/), new Map([[reasonOf('SOCKET_RCVBUFF'), 97]]));
  }
});

test('datagrams that are dropped in one buffer are counted one by one', { skip: loopbackCutsUp }, async () => {
  const { counting } = await countInNamespace('drop', 'run merged 23 127.0.0.1 53; run merged 11 ::1 53');
  using _ = counting;
  assert.deepEqual(await byReason(counting, /udp.*queue_rcv/), new Map([[reasonOf('SOCKET_RCVBUFF'), 34 * 7]]));
});

test('what reaches its receiver is not dropped', async () => {
  const { counting } = await countInNamespace('drop', 'run heard 997 127.0.0.1; run heard 97 ::1');
  using _ = counting;
  assert.deepEqual(await byReason(counting), new Map());
});

test('fragments of datagrams that stay incomplete are dropped with a reason of their own', async () => {
  // IPv4 has another reason for its first fragments where they came from the machine itself.
  const script = `${fragmentTimeouts}; run fragments 23 ::1; ${untilTimeouts(0, 23)}`;
  const { counting } = await countInNamespace('drop', script);
  using _ = counting;
  const reason = isKernelSince(6, 2) ? 'FRAG_REASM_TIMEOUT' : reasonOf('NOT_SPECIFIED');
  // Older kernels drop what tells the sender, too, when it has arrived.
  assert.deepEqual(await byReason(counting, /frag/), new Map([[reason, 23]]));
});
