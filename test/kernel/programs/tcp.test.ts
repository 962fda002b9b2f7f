import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { silentAddresses, silentNetwork } from '../../../bench/kernel/silent-network.ts';
import { count } from './counting.ts';
import { countInNamespace } from './namespace.ts';

const load = buildLoad();
const connections = 23;

/** The segments that the network namespace has sent again (/proc/net/snmp, RetransSegs). */
const printRetransmits = `awk '/^Tcp:/ && $13 ~ /^[0-9]+$/ { print $13 }' /proc/net/snmp`;

/**
 * A script in a network namespace of its own, which prints what the namespace has sent again;
 * what is counted of it, and what it printed.
 */
async function retransmitted(script: string, ...args: string[]) {
  const held = `readlink /proc/self/ns/net; read -r _; { ${script}\n} >/dev/null || exit; ${printRetransmits}`;
  const child = spawn('unshare', ['--net', 'sh', '-c', held, 'sh', load, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const namespace = Number(/\d+/.exec((await lines.next()).value ?? '')?.[0]);
  using tcp = count('tcp', { constants: { only_netns: namespace } });
  child.stdin.end('\n');
  const expected = Number((await lines.next()).value);
  await exited;
  return { counted: await tcp.numbers('tcp.retransmits'), expected };
}

/** Connections that are never answered. */
async function unanswered(address: string) {
  const result = await retransmitted(`${silentNetwork} && "$1" connect ${connections} "$2"`, address);
  assert.ok(result.expected >= connections);
  return result;
}

test('SYNs that are sent again are counted by address family and state', async () => {
  for (const [family, address] of Object.entries(silentAddresses)) {
    const { counted, expected } = await unanswered(address);
    assert.deepEqual(counted, new Map([[`${family} syn_sent`, expected]]));
  }
});

test('an IPv6 socket that speaks IPv4 counts as IPv4', async () => {
  const { counted, expected } = await unanswered(`::ffff:${silentAddresses.ipv4}`);
  assert.deepEqual(counted, new Map([['ipv4 syn_sent', expected]]));
});

test('answers to a SYN that are sent again are counted too', async () => {
  // The client is in a second namespace, and the server has a wrong address of its interface: answers don't arrive.
  const { counted, expected } = await retransmitted(`
    "$1" listen 1 & server=$!
    unshare --net sleep 60 & client=$!
    until grep -q ':0009 .* 0A ' /proc/net/tcp6; do :; done
    until [ "$(readlink /proc/$client/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
    ip link add out type veth peer name end netns $client
    ip address add 192.0.2.2/24 dev out
    ip link set out up
    ip neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out nud permanent
    nsenter --net=/proc/$client/ns/net sh -c \
      'ip address add 192.0.2.1/24 dev end && ip link set end up && exec "$1" connect 1 192.0.2.2' sh "$1"
    kill $client $server
    wait $client $server 2>/dev/null || true`);
  assert.ok(expected >= 1);
  assert.deepEqual(counted, new Map([['ipv4 syn_received', expected]]));
});

test('segments that are sent again in one buffer are counted one by one', async () => {
  for (const [family, address] of [
    ['ipv4', '127.0.0.1'],
    ['ipv6', '::1'],
  ]) {
    const script = `ip link set lo mtu 1500; run resent 3 ${address}; ${printRetransmits}`;
    const { counting, lines } = await countInNamespace('tcp', script);
    using _ = counting;
    const expected = Number(lines[1]);
    assert.ok(expected >= 97, `${expected} segments`);
    assert.deepEqual(await counting.numbers('tcp.retransmits'), new Map([[`${family} established`, expected]]));
  }
});
