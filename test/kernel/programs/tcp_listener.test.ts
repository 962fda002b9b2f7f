import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { libc } from '../../../src/libbpf/library.ts';
import { type Counting, count } from './counting.ts';

/** A prime, of connections and of drops at a time. */
const connections = 37;
const loopback = { ipv4: '127.0.0.1', ipv6: '::1' };

interface Listeners extends AsyncDisposable {
  /** Drops in all once as many more SYNs have been dropped. */
  drop(): Promise<number>;
}

/** The load `queued` of bench/kernel/network.c, once its connections stand. */
async function listen(address: string, port: number): Promise<Listeners> {
  const child = spawn(buildLoad('network'), ['queued', String(connections), address, String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => Number((await lines.next()).value);
  assert.equal(await next(), 0);
  return {
    drop() {
      child.stdin.write('\n');
      return next();
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      assert.deepEqual(await exited, [0, null]);
    },
  };
}

/** Of these ports alone: the machine has others. */
async function at(counting: Counting, metric: string, ...ports: readonly (number | string)[]) {
  const numbers = await counting.numbers(metric);
  return new Map([...numbers].filter(([attributes]) => ports.some((port) => attributes.startsWith(`${port} `))));
}

const queues = ['sockets', 'accept_queue.length', 'accept_queue.limit', 'syn_queue.length'];

async function queuesAt(counting: Counting, ...ports: readonly number[]) {
  const entries: [string, ReadonlyMap<string, number>][] = [];
  for (const name of queues) entries.push([name, await at(counting, `tcp.listener.${name}`, ...ports)]);
  return Object.fromEntries(entries);
}

test('queues are those of all sockets of a port, as long as there are any', async () => {
  using counting = count('tcp_listener');
  let port = 20_011;
  for (const [family, address] of Object.entries(loopback)) {
    const ports = [port, port + 1];
    {
      await using _listeners = await listen(address, port);
      assert.deepEqual(await queuesAt(counting, ...ports), {
        sockets: new Map([
          [`${port} ${family}`, 1],
          [`${port + 1} ${family}`, 2],
        ]),
        'accept_queue.length': new Map([
          [`${port} ${family}`, 6],
          [`${port + 1} ${family}`, 0],
        ]),
        'accept_queue.limit': new Map([
          [`${port} ${family}`, 5],
          [`${port + 1} ${family}`, 2000],
        ]),
        'syn_queue.length': new Map([
          [`${port} ${family}`, 0],
          [`${port + 1} ${family}`, connections],
        ]),
      });
    }
    assert.deepEqual(await queuesAt(counting, ...ports), Object.fromEntries(queues.map((name) => [name, new Map()])));
    port += 10;
  }
  assert.deepEqual(await counting.numbers('tcp.listener.unfollowed'), new Map([['', 0]]));
});

test('drops are counted from the start of the program on, until the socket is gone', async () => {
  const old = 20_031;
  const young = 20_041;
  const drops = (counting: Counting) => at(counting, 'tcp.listener.drops', old, young);
  await using stack = new AsyncDisposableStack();
  const listeners = stack.use(await listen('127.0.0.1', old));
  assert.equal(await listeners.drop(), connections);

  using counting = count('tcp_listener');
  assert.deepEqual((await drops(counting)).get(`${old} ipv4`), 0);
  assert.equal(await listeners.drop(), 2 * connections);
  assert.equal((await drops(counting)).get(`${old} ipv4`), connections);
  {
    // Began after the program did, and is gone before it is read twice.
    await using others = await listen('::1', young);
    assert.equal(await others.drop(), connections);
    assert.equal((await drops(counting)).get(`${young} ipv6`), connections);
    await others.drop();
  }
  await listeners.drop();
  await stack.disposeAsync();
  const expected = new Map([
    [`${old} ipv4`, 2 * connections],
    [`${old + 1} ipv4`, 0],
    [`${young} ipv6`, 2 * connections],
    // The last ACKs of handshakes that wait for data.
    [`${young + 1} ipv6`, connections],
  ]);
  assert.deepEqual(await at(counting, 'tcp.listener.drops', old, old + 1, young, young + 1), expected);
  // Nothing is counted twice.
  assert.deepEqual(await at(counting, 'tcp.listener.drops', old, old + 1, young, young + 1), expected);
  assert.deepEqual(await counting.numbers('tcp.listener.drops.lost'), new Map([['', 0]]));
});

test('ports that the kernel chose are counted together', async () => {
  using counting = count('tcp_listener', { metrics: ['tcp.listener.sockets'] });
  assert.deepEqual(counting.attached, ['dump_listeners']);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  assert.deepEqual(await at(counting, 'tcp.listener.sockets', port), new Map());
  assert.ok((await counting.numbers('tcp.listener.sockets')).get('ephemeral ipv4')! >= 1);
  server.close();
});

test('a socket that listens anew elsewhere is counted there, and one with no queue as any other', async () => {
  const port = 20_061;
  const socket = libc<(family: number, type: number, protocol: number) => number>('int socket(int, int, int)');
  const onAddress = (name: string) =>
    libc<(fd: number, address: Uint8Array, size: number) => number>(`int ${name}(int, void *, uint32_t)`);
  const [bind, connect] = [onAddress('bind'), onAddress('connect')];
  const listenWith = libc<(fd: number, backlog: number) => number>('int listen(int, int)');
  // struct sockaddr_in of AF_INET and of AF_UNSPEC, which disconnects.
  const address = Buffer.alloc(16);
  address.writeUInt16LE(2);
  address.writeUInt16BE(port, 2);

  using counting = count('tcp_listener');
  const fd = socket(2, 1, 0);
  try {
    assert.equal(listenWith(fd, 0), 0);
    assert.ok((await counting.numbers('tcp.listener.drops')).has('ephemeral ipv4'));
    assert.equal(connect(fd, Buffer.alloc(16), 16), 0);
    assert.equal(bind(fd, address, 16), 0);
    assert.equal(listenWith(fd, 0), 0);
    const drops = await at(counting, 'tcp.listener.drops', port);
    assert.deepEqual(drops, new Map([[`${port} ipv4`, 0]]));
  } finally {
    closeSync(fd);
  }
});

test('what maps have no room for is counted', async () => {
  using counting = count('tcp_listener', { maxEntries: { tcp_listeners: 1, followed: 1 } });
  await using _listeners = await listen('127.0.0.1', 20_051);
  const followed = [...(await counting.numbers('tcp.listener.sockets')).values()].reduce((sum, one) => sum + one, 0);
  assert.equal(followed, 1);
  assert.ok((await counting.numbers('tcp.listener.unfollowed')).get('')! >= 2);
});
