import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKernelSince } from '../../helpers/kernel-release.ts';
import { loopbackCutsUp } from './fragments.ts';
import { countInNamespace } from './namespace.ts';

test('datagrams that a full receive buffer drops are counted by local port, of both families together', async () => {
  const script = 'run overflow 97 127.0.0.1 53; run overflow 89 ::1 53; run overflow 11 127.0.0.1 32767';
  const { counting } = await countInNamespace('udp', script);
  using _ = counting;
  // Older kernels have the tracepoint for IPv4 only.
  const ipv6 = isKernelSince(6, 6) ? 89 : 0;
  assert.deepEqual(
    await counting.numbers('udp.receive.drops'),
    new Map([
      ['53 receive_buffer', 97 + ipv6],
      ['32767 receive_buffer', 11],
    ]),
  );
});

test('datagrams that are dropped together are counted one by one, where the kernel tells how many', {
  skip: loopbackCutsUp,
}, async () => {
  const { counting } = await countInNamespace('udp', 'run merged 23 127.0.0.1 53');
  using _ = counting;
  const drops = 23 * (isKernelSince(6, 10) ? 7 : 1);
  assert.deepEqual(await counting.numbers('udp.receive.drops'), new Map([['53 receive_buffer', drops]]));
});

test('ports that clients get are counted together, unless they begin elsewhere', async () => {
  const script = 'run overflow 7 127.0.0.1 32768; run overflow 5 127.0.0.1 60000';
  {
    const { counting } = await countInNamespace('udp', script);
    using _ = counting;
    assert.deepEqual(await counting.numbers('udp.receive.drops'), new Map([['ephemeral receive_buffer', 12]]));
  }
  const { counting } = await countInNamespace('udp', script, { constants: { ephemeral_from: 65536 } });
  using _ = counting;
  assert.deepEqual(
    await counting.numbers('udp.receive.drops'),
    new Map([
      ['32768 receive_buffer', 7],
      ['60000 receive_buffer', 5],
    ]),
  );
});

test('ports that are counted together take no more room than one', async () => {
  // More of them than the cache has places; then three ports, in a map that has room for one more key.
  const few = [53, 67, 123].map((port) => `run overflow 7 127.0.0.1 ${port}`);
  const script = ['run overflows 307 127.0.0.1 33000', ...few].join('; ');
  const { counting } = await countInNamespace('udp', script, { maxEntries: { udp_receive_drops: 1 } });
  using _ = counting;
  assert.deepEqual(await counting.numbers('udp.receive.drops.lost'), new Map([['', 0]]));
  assert.equal((await counting.numbers('udp.receive.drops')).get('ephemeral receive_buffer'), 307 * 3);
});

test('datagrams at more ports than there is room for are lost, and counted', async () => {
  const { counting } = await countInNamespace('udp', 'run overflows 1301 127.0.0.1 1');
  using _ = counting;
  const counted = [...(await counting.numbers('udp.receive.drops')).values()];
  const lost = (await counting.numbers('udp.receive.drops.lost')).get('')!;
  assert.ok(counted.every((drops) => drops === 3));
  assert.equal(counted.length * 3 + lost, 1301 * 3);
  // The map has room for 1024, and each CPU's cache for 64 besides.
  assert.ok(counted.length >= 1024 && lost > 0);
});

test('datagrams that are dropped together are lost one by one where there is no room for their port', {
  skip: loopbackCutsUp,
}, async () => {
  const script = 'run overflows 397 127.0.0.1 1; run merged 23 127.0.0.1 5000';
  const { counting } = await countInNamespace('udp', script, { maxEntries: { udp_receive_drops: 1 } });
  using _ = counting;
  const counted = await counting.numbers('udp.receive.drops');
  assert.equal(counted.get('5000 receive_buffer'), undefined);
  const lost = (397 - counted.size) * 3 + 23 * (isKernelSince(6, 10) ? 7 : 1);
  assert.deepEqual(await counting.numbers('udp.receive.drops.lost'), new Map([['', lost]]));
});
