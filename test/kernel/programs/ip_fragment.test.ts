import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noFunctions } from './file-system.ts';
import { forwarding, fragmentationFailures, fragmentTimeouts, untilTimeouts } from './fragments.ts';
import { countInNamespace } from './namespace.ts';

const metrics = ['ip.fragmentation.failures'];

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

  test(`fragments that can't be are rejected, and time out no more where they overlap, by ${way}`, {
    skip: noFunctions,
  }, async () => {
    const script = `
      ${fragmentTimeouts}
      run fragments 97 127.0.0.1 1; run fragments 3 127.0.0.1
      run fragments 89 ::1 1; run fragments 83 ::1 2
      ${untilTimeouts(3)}`;
    const ways = { ip_defrag: way, ipv6_frag_rcv: way };
    const { counting } = await countInNamespace('ip_fragment', script, { ways });
    using _ = counting;
    const rejected = { 'ipv4 invalid': 97, 'ipv6 invalid': 89, 'ipv6 unspecified': 83 };
    assert.deepEqual(Object.fromEntries(await counting.numbers('ip.fragments.rejected')), rejected);
    // Kernels differ in whether those of IPv6 that are not of a whole number of units leave a datagram to wait for.
    assert.equal((await counting.numbers('ip.reassembly.timeouts')).get('ipv4'), 3);
  });

  test(`packets that are too big, or whose fragments can't be sent, are counted by ${way}`, {
    skip: noFunctions,
  }, async () => {
    const script = `
      ip link set lo mtu 1500
      ip route add local 10.9.9.9 dev lo mtu lock 1000; ip route add local fd00::9 dev lo mtu 1300
      run whole 97 10.9.9.9; run whole 89 fd00::9
      tc qdisc add dev lo root pfifo limit 0
      run large 61 127.0.0.1; run large 59 ::1
      ${fragmentationFailures}`;
    const { counting, lines } = await countInNamespace('ip_fragment', script, { ways: waysOfFailures(way), metrics });
    using _ = counting;
    const failures = { 'ipv4 too_big': 97, 'ipv4 output': 61, 'ipv6 too_big': 89, 'ipv6 output': 59 };
    assert.deepEqual(Object.fromEntries(await counting.numbers('ip.fragmentation.failures')), failures);
    assert.equal(lines.at(-1), '158 148');
  });

  test(`packets that are too big to be forwarded, also several in one buffer, are counted by ${way}`, {
    skip: noFunctions,
  }, async () => {
    const { counting } = await countInNamespace('ip_fragment', forwarding, { ways: waysOfFailures(way), metrics });
    using _ = counting;
    const failures = { 'ipv4 too_big': 53 + 23 * 3, 'ipv6 too_big': 47 + 19 * 3 };
    assert.deepEqual(Object.fromEntries(await counting.numbers('ip.fragmentation.failures')), failures);
  });
}

function waysOfFailures(way: string): Record<string, string> {
  return { icmp_send: way, icmp6_send: way, ip_do_fragment: way, ip6_fragment: way };
}
