import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Counting } from './counting.ts';
import { countInNamespace } from './namespace.ts';

/** Without the functions, which compilers inline as they like. */
async function byReason(counting: Counting): Promise<Map<string, number>> {
  const reasons = new Map<string, number>();
  for (const [attributes, drops] of await counting.numbers('packet.drops')) {
    const reason = attributes.split(' ')[0]!;
    reasons.set(reason, (reasons.get(reason) ?? 0) + drops);
  }
  return reasons;
}

test('packets for a port that nobody has are dropped without a socket, by the function that looked for one', async () => {
  const { counting } = await countInNamespace('drop', 'run refused 23 127.0.0.1; run unheard 17 127.0.0.1');
  using _ = counting;
  const drops = await counting.numbers('packet.drops');
  assert.equal(drops.get('NO_SOCKET tcp_v4_rcv'), 23);
  assert.equal((await byReason(counting)).get('NO_SOCKET'), 40);
  for (const attributes of drops.keys()) assert.match(attributes, /^[A-Z0-9_]+ [a-z_]\w*(\.\w+)*$/);
  assert.deepEqual(await counting.numbers('packet.drops.lost'), new Map([['', 0]]));
});

test('datagrams that a receive buffer drops are packets dropped, of either family', async () => {
  for (const address of ['127.0.0.1', '::1']) {
    const { counting } = await countInNamespace('drop', `run overflow 97 ${address} 53`);
    using _ = counting;
    assert.equal((await byReason(counting)).get('SOCKET_RCVBUFF'), 97);
  }
});

test('what reaches its receiver is not dropped', async () => {
  const { counting } = await countInNamespace('drop', 'run heard 997 127.0.0.1; run heard 97 ::1');
  using _ = counting;
  assert.deepEqual(await byReason(counting), new Map());
});
