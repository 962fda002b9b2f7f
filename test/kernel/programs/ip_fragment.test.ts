import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noFunctions } from './file-system.ts';
import { fragmentTimeouts, untilTimeouts } from './fragments.ts';
import { countInNamespace } from './namespace.ts';

for (const way of ['fentry', 'kprobe']) {
  test(`datagrams that stay incomplete are counted by family, by ${way}`, { skip: noFunctions }, async () => {
    const script = `${fragmentTimeouts}; run fragments 97 127.0.0.1; run fragments 89 ::1; ${untilTimeouts(97, 89)}`;
    const ways = { ip_expire: way, ip6_frag_expire: way };
    const { counting } = await countInNamespace('ip_fragment', script, { ways, metrics: ['ip.reassembly.timeouts'] });
    using _ = counting;
    assert.deepEqual(
      await counting.numbers('ip.reassembly.timeouts'),
      new Map([
        ['ipv4', 97],
        ['ipv6', 89],
      ]),
    );
  });

  test(`fragments that overlap are rejected, and time out no more, by ${way}`, { skip: noFunctions }, async () => {
    const script = `${fragmentTimeouts}; run fragments 97 127.0.0.1 1; run fragments 3 127.0.0.1; ${untilTimeouts(3, 0)}`;
    const { counting } = await countInNamespace('ip_fragment', script, { ways: { ip_defrag: way } });
    using _ = counting;
    assert.deepEqual(await counting.numbers('ip.fragments.rejected'), new Map([['invalid', 97]]));
    assert.deepEqual(await counting.numbers('ip.reassembly.timeouts'), new Map([['ipv4', 3]]));
  });
}
