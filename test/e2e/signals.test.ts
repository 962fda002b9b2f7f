import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { describe, it } from 'node:test';
import { MeterProcess } from '../helpers/process.ts';

const one = ['--only', 'sched', '--prometheus', '127.0.0.1:0'];

/** Takes connections and never answers: a Collector that hangs. */
async function hangingCollector(): Promise<{ server: Server; url: string; connected: Promise<unknown> } & Disposable> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connected = new Promise((resolve) => server.once('connection', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const url = `http://127.0.0.1:${address.port}`;
  return { server, url, connected, [Symbol.dispose]: () => server.close() };
}

/** What the descriptors of a process are. */
function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return [readlinkSync(`${folder}/${name}`)];
    } catch {
      return [];
    }
  });
}

describe('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`${signal} ends it in order, with 0`, async () => {
      await using meter = new MeterProcess(one);
      await meter.logged(/running after/);
      meter.child.kill(signal);
      const { status, stderr } = await meter.ended();
      assert.equal(status, 0);
      assert.match(stderr, new RegExp(`${signal}: ending\n$`));
    });
  }

  it('one that comes while it starts ends it in order too', async () => {
    await using meter = new MeterProcess(one);
    await meter.logged(/attached (\d+) of \1/);
    meter.child.kill('SIGTERM');
    assert.equal((await meter.ended()).status, 0);
  });

  it('a Collector that hangs delays the end by half of the 5 s that it may take', async () => {
    using collector = await hangingCollector();
    await using meter = new MeterProcess([...one, '--otlp', collector.url]);
    await meter.logged(/running after/);
    const { status, stderr } = await meter.stop();
    assert.equal(status, 0);
    assert.match(stderr, /WARN .*the last export was not done after 2\.5 s/);
  });

  it('programs are detached while a Collector that hangs is waited for', async () => {
    using collector = await hangingCollector();
    await using meter = new MeterProcess([...one, '--otlp', collector.url]);
    await meter.logged(/running after/);
    const links = () => openFiles(meter.child.pid!).filter((file) => file.startsWith('anon_inode:bpf_link')).length;
    assert.ok(links() > 0);
    meter.child.kill('SIGTERM');
    while (links() > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(
      openFiles(meter.child.pid!).some((file) => file.startsWith('anon_inode:bpf-map')),
      'it still waits',
    );
    assert.equal((await meter.ended()).status, 0);
  });

  it('the same Ctrl-C twice counts once; another one a second later ends it at once', async () => {
    using collector = await hangingCollector();
    await using meter = new MeterProcess([...one, '--otlp', collector.url]);
    await meter.logged(/running after/);
    const began = performance.now();
    meter.child.kill('SIGINT');
    meter.child.kill('SIGINT');
    await meter.logged(/SIGINT: ending/);
    // Sent again and again, since only the process knows when its second is over.
    const again = setInterval(() => meter.child.kill('SIGINT'), 50);
    const { status } = await meter.ended();
    clearInterval(again);
    const waited = performance.now() - began;
    assert.equal(status, 130);
    assert.ok(waited > 990, `ended after ${waited} ms`);
  });
});
