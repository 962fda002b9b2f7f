import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { silentAddresses, silentNetwork } from '../../../bench/kernel/silent-network.ts';
import { count } from './counting.ts';

const load = buildLoad();
const connections = 23;

/**
 * Connections that are never answered, in a network namespace of their own;
 * what is counted of it, and how many segments were sent again by the namespace's own count.
 */
async function retransmitted(address: string) {
  const script = `
    readlink /proc/self/ns/net
    read -r _
    { ${silentNetwork} && "$1" connect ${connections} "$2"; } >/dev/null
    awk '/^Tcp:/ && $13 ~ /^[0-9]+$/ { print $13 }' /proc/net/snmp`;
  const child = spawn('unshare', ['--net', 'sh', '-c', script, 'sh', load, address], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const namespace = Number(/\d+/.exec((await lines.next()).value ?? '')?.[0]);
  using tcp = count('tcp', { constants: { only_netns: namespace } });
  child.stdin.end('\n');
  const expected = Number((await lines.next()).value);
  await exited;
  assert.ok(expected >= connections);
  return { counted: await tcp.numbers('tcp.retransmits'), expected };
}

test('SYNs that are sent again are counted by address family and state', async () => {
  for (const [family, address] of Object.entries(silentAddresses)) {
    const { counted, expected } = await retransmitted(address);
    assert.deepEqual(counted, new Map([[`${family} syn_sent`, expected]]));
  }
});

test('an IPv6 socket that speaks IPv4 counts as IPv4', async () => {
  const { counted, expected } = await retransmitted(`::ffff:${silentAddresses.ipv4}`);
  assert.deepEqual(counted, new Map([['ipv4 syn_sent', expected]]));
});
