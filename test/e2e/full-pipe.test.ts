import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../helpers/deadline.ts';
import { meterCommand } from '../helpers/process.ts';

let folder = '';
let pipe = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-full-pipe-'));
  pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
});
after(() => rmSync(folder, { recursive: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Until the page is there. */
async function pageOf(url: string): Promise<string> {
  for (;;) {
    try {
      return await (await fetch(url)).text();
    } catch {
      await sleep(20);
    }
  }
}

it('a pipe for stderr that nobody empties delays neither start nor scrapes, and lost entries are told', async () => {
  const both = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  const blocking = openSync(pipe, constants.O_WRONLY);
  const full = writeSync(both, Buffer.alloc(65_536, 'x'));
  assert.equal(full, 65_536);
  const port = await freePort();
  const [file, ...rest] = [...meterCommand, '--only', 'sched', '--prometheus', `127.0.0.1:${port}`];
  const child = spawn(file!, rest, { stdio: ['ignore', 'ignore', blocking] });
  const ended = once(child, 'close');
  try {
    const page = await within(pageOf(`http://127.0.0.1:${port}/metrics`), () => 'it serves no page');
    assert.match(page, /^ebpf_sched_context_switches_total\{.*\} \d+$/m);
    assert.equal(readSync(both, Buffer.alloc(65_536)), 65_536);
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    const said = Buffer.alloc(65_536);
    const text = said.toString('utf8', 0, readSync(both, said));
    assert.match(text, /^\S+ WARN {2}log: \d+ entries could not be written\n\S+ INFO {2}SIGTERM: ending\n$/);
  } finally {
    child.kill('SIGKILL');
    closeSync(blocking);
    closeSync(both);
  }
});
