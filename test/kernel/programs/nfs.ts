import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { noFunctions } from './file-system.ts';

const run = promisify(execFile);
const control = '/proc/fs/nfsd';
const farAway = 2 ** 31 - 1;
/** Where rpcbind would listen; the kernel asks at no other port. */
const rpcPort = 111;
const rpcbind = 100_000;
const mountd = 100_005;
/** linux/nfsd/export.h: ports of users too, any file of the file system, and a number in place of a device's. */
const exportFlags = 0x2 | 0x400 | 0x2000;

interface Nfs extends AsyncDisposable {
  /** Where it is mounted. */
  readonly folder: string;
}

/** False, or why NFS can't be tested here. */
export const noNfs = noFunctions || whyNoNfs();

function whyNoNfs(): string | false {
  const known = readFileSync('/proc/filesystems', 'utf8');
  if (!/\bnfs4$/m.test(known)) return "this kernel's client of NFS is not loaded";
  if (!/\bnfsd$/m.test(known)) return "this kernel's server of NFS is not loaded";
  const threads = `${control}/threads`;
  if (existsSync(threads) && Number(readFileSync(threads, 'utf8')) > 0) return 'this machine serves NFS already';
  return false;
}

/**
 * A file system in memory that this kernel serves to itself over the loopback interface, mounted until it is disposed.
 * Needs root, and nobody else who serves NFS. The daemons of a server are not needed: what they would tell the kernel is
 * written to its caches before it asks.
 */
export async function nfs(version: 3 | 4): Promise<Nfs> {
  await using stack = new AsyncDisposableStack();
  const served = mkdtempSync(join(tmpdir(), 'nfs-served-'));
  stack.defer(() => rmdirSync(served));
  await run('mount', ['-t', 'tmpfs', 'tmpfs', served]);
  // The kernel lets go of it some time after it has stopped.
  stack.defer(async () => void (await run('umount', ['--lazy', served])));
  const rpc = createServer(serve).listen(rpcPort, '127.0.0.1');
  await once(rpc, 'listening');
  stack.defer(() => void rpc.close());
  await startServer(served, stack);

  const folder = mkdtempSync(join(tmpdir(), 'nfs-'));
  stack.defer(() => rmdirSync(folder));
  // Without the helper of the package nfs-common, the kernel's own options.
  const options = ['addr=127.0.0.1', 'port=2049', 'proto=tcp', 'sec=sys', version === 4 ? 'vers=4.2' : 'vers=3'];
  options.push(
    ...(version === 4
      ? ['clientaddr=127.0.0.1']
      : ['nolock', 'mountaddr=127.0.0.1', `mountport=${rpcPort}`, 'mountproto=tcp']),
  );
  const type = version === 4 ? 'nfs4' : 'nfs';
  await run('mount', ['-i', '-t', type, '-o', options.join(','), '127.0.0.1:/', folder]);
  stack.defer(async () => void (await run('umount', ['-i', folder])));
  const all = stack.move();
  return { folder, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Not synchronous: the kernel asks this process while it writes. */
async function startServer(served: string, stack: AsyncDisposableStack): Promise<void> {
  if (!existsSync(`${control}/threads`)) {
    await run('mount', ['-t', 'nfsd', 'nfsd', control]);
    stack.defer(async () => void (await run('umount', [control])));
  }
  const cache = (name: string, line: string) => writeFile(`/proc/net/rpc/${name}/channel`, `${line}\n`);
  await cache('auth.unix.ip', `nfsd 127.0.0.1 ${farAway} itself`);
  await cache('nfsd.export', `itself ${served} ${farAway} ${exportFlags} 65534 65534 0`);
  // 1: a number tells the file system; it is 0, and so this one is the root of version 4.
  await cache('nfsd.fh', `itself 1 \\x00000000 ${farAway} ${served}`);
  // For so many seconds clients of an earlier run could come back, and others' opens wait: no kernel takes less.
  await writeFile(`${control}/nfsv4gracetime`, '10\n');
  await writeFile(`${control}/portlist`, 'tcp 2049\n');
  await writeFile(`${control}/threads`, '2\n');
  stack.defer(() => writeFile(`${control}/threads`, '0\n'));
  await writeFile(`${control}/v4_end_grace`, 'Y\n').catch((error: NodeJS.ErrnoException) => {
    // Newer kernels end it early only where a daemon keeps the clients' names.
    if (error.code !== 'EBUSY') throw error;
  });
}

/** Answers calls of RPC over TCP: RFC 5531, whose records here have one fragment each. */
function serve(socket: Socket): void {
  let received = Buffer.alloc(0);
  socket.unref();
  socket.on('error', () => {});
  socket.on('data', (data: Buffer) => {
    received = Buffer.concat([received, data]);
    while (received.length >= 4) {
      const end = 4 + (received.readUInt32BE(0) & 0x7fffffff);
      if (received.length < end) return;
      const reply = answer(received.subarray(4, end));
      socket.write(Buffer.concat([words(0x80000000 + reply.length), reply]));
      received = received.subarray(end);
    }
  });
}

function answer(call: Buffer): Buffer {
  const [id, program, procedure] = [0, 12, 20].map((at) => call.readUInt32BE(at));
  const accepted = words(id!, 1, 0, 0, 0, 0);
  if (procedure === 0) return accepted;
  // RFC 1833: registered.
  if (program === rpcbind) return Buffer.concat([accepted, words(1)]);
  // RFC 1813: a handle of the root of file system 0, as nfsd makes them, and AUTH_SYS.
  if (program === mountd) return Buffer.concat([accepted, words(0, 8, 0x01000100, 0, 1, 1)]);
  // There is no such program.
  return words(id!, 1, 0, 0, 0, 1);
}

function words(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value, 4 * index);
  return buffer;
}
