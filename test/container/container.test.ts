import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { MeterProcess, runMeter, Scrape } from '../helpers/process.ts';
import { buildImage, containerCommand, execIn, imageSize, removed, whyNot } from './image.ts';

const root = join(import.meta.dirname, '../..');
const seccomp = `--security-opt=seccomp=${join(root, 'deploy/seccomp.json')}`;
const least = ['--user=65534', '--read-only', '--security-opt=no-new-privileges', '--cap-drop=ALL'];
const skip = whyNot() ?? false;
let image = '';

before(
  () => {
    if (!skip) image = buildImage();
  },
  { timeout: 20 * 60_000 },
);

/** Runs the image with its own arguments, scrapes it and ends it; resolves with the page. */
async function scrape(options: readonly string[]): Promise<Scrape> {
  const name = `ebpf-meter-test-${process.pid}`;
  const port = await freePort();
  using _container = removed(name);
  const command = containerCommand(image, [...options, `--name=${name}`, '--env', `EBPF_METER_PORT=${port}`]);
  await using meter = new MeterProcess([], {}, { command });
  await meter.logged(/ INFO {2}running after /);
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const page = new Scrape(await response.text());
  assert.equal(response.status, 200);
  const [, ...check] = healthCheck();
  assert.deepEqual(execIn(name, check), { status: 0, output: '' });
  const { status, stderr } = await meter.stop();
  assert.equal(status, 0, stderr);
  return page;
}

/** A container on the host's network takes no port 0 that its health check could know. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** `CMD` and its arguments; images of the OCI's format, which podman builds, don't keep it. */
function healthCheck(): string[] {
  const line = /^HEALTHCHECK [^[]*?CMD (\[.+\])$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))?.[1];
  return ['CMD', ...(JSON.parse(line!) as string[])];
}

test('a privileged container serves its page, is healthy and ends on SIGTERM', { skip }, async () => {
  const page = await scrape(['--privileged']);
  assert.ok(page.total('ebpf_meter_program_attached', { program: 'sched' }) > 0);
  assert.ok(page.total('ebpf_sched_context_switches_total') > 0);
});

test('two capabilities and our seccomp profile are enough, as nobody, on a read-only root', { skip }, async () => {
  const page = await scrape([...least, '--cap-add=BPF,PERFMON', seccomp]);
  assert.ok(page.total('ebpf_sched_context_switches_total') > 0);
  const attached = page.page.families.get('ebpf_meter_program_attached')!;
  for (const { labels, value } of attached.samples) assert.equal(value, 1, `${labels.program}: ${labels.bpf_program}`);
});

test('without capabilities it says which are missing', { skip }, async () => {
  const command = containerCommand(image, [...least, seccomp]);
  const { status, stdout } = await runMeter(['check', '--only', 'block'], {}, { command });
  assert.equal(status, 1);
  assert.match(stdout.replaceAll(/\s+/g, ' '), /block: EPERM: CAP_BPF and CAP_PERFMON are missing/);
});

test('where the seccomp profile forbids bpf(2) it says so', { skip }, async () => {
  // It may be the engine's own that does so, but engines differ.
  const command = containerCommand(image, [
    ...least,
    '--cap-add=BPF,PERFMON',
    `--security-opt=seccomp=${join(import.meta.dirname, 'without-bpf.json')}`,
  ]);
  const { status, stdout } = await runMeter(['check', '--only', 'block'], {}, { command });
  assert.equal(status, 1);
  assert.match(stdout.replaceAll(/\s+/g, ' '), /but a seccomp profile \(of a container\) is on: deploy\/seccomp\.json/);
});

test('the image has no compiler and no packages for development, and is small', { skip }, async () => {
  const command = [...containerCommand(image, ['--entrypoint=/bin/sh']), '-c'];
  const script = 'cd /opt/ebpf-meter && ls node_modules .; command -v clang npm; ls build/programs | wc -l';
  const { stdout } = await runMeter([script], {}, { command });
  assert.doesNotMatch(stdout, /clang|npm|typescript|biome/);
  assert.match(stdout, /koffi/);
  assert.ok(imageSize(image) < 400e6, `${imageSize(image)} bytes`);
});
