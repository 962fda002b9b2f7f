import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { hashSync } from 'bcryptjs';
import type { PrometheusReaderConfig } from '../../../../src/config/exporter/configuration.ts';
import { ConfigError } from '../../../../src/config/yaml/diagnostic.ts';
import { counter, FakeMap, tablePlan } from '../../../helpers/fake-maps.ts';
import { type Serving, serve } from '../../../helpers/serving.ts';
import { createTestCertificates, type TestCertificates } from '../../../helpers/test-certificates.ts';

let certificates: TestCertificates;
let others: TestCertificates;
let folder: string;
let web: string;
let meter: Serving | undefined;

before(() => {
  certificates = createTestCertificates();
  others = createTestCertificates();
});
after(() => {
  certificates[Symbol.dispose]();
  others[Symbol.dispose]();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-web-'));
  web = join(folder, 'web.yml');
});
afterEach(async () => {
  await meter?.[Symbol.asyncDispose]();
  meter = undefined;
  rmSync(folder, { recursive: true });
});

/** As an editor, or Kubernetes, replaces a file. */
function write(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

async function start(text: string, config: Partial<PrometheusReaderConfig> = {}): Promise<Serving> {
  write(web, text);
  const map = new FakeMap('events', 0, 8);
  map.set([], [23]);
  meter = await serve([tablePlan('events', [], 1, [counter('events')])], [map], {
    ...config,
    webConfigFile: web,
  });
  return meter;
}

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
  /** Of the server's certificate. */
  fingerprint: string;
}

/** A request over a connection of its own; rejects where the connection fails. */
function ask(url: string, options: RequestOptions = {}): Promise<Answer> {
  const target = new URL(url);
  target.hostname = 'localhost';
  const tls = target.protocol === 'https:';
  const send = tls ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    let fingerprint = '';
    const call = send(target, { agent: false, family: 4, ca: certificates.ca, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text, fingerprint }));
      response.on('error', reject);
    });
    call.on('socket', (socket) => {
      socket.on('secureConnect', () => {
        fingerprint = (socket as import('node:tls').TLSSocket).getPeerX509Certificate()!.fingerprint256;
      });
    });
    call.on('error', reject);
    call.end();
  });
}

const auth = (user: string, password: string) => ({ auth: `${user}:${password}` });
const tls = (more = '', { files } = certificates) => `tls_server_config:
  cert_file: ${files.serverCert}
  key_file: ${files.serverKey}
${more}`;

describe('a web configuration', () => {
  it('asks for users and passwords, at every path but those of probes, and adds headers', async () => {
    const { url, lines } = await start(`basic_auth_users: {alice: ${hashSync('open', 4)}}
http_server_config: {headers: {X-Content-Type-Options: nosniff}}
`);
    assert.match(url, /^http:/);
    const good = await ask(url, auth('alice', 'open'));
    assert.equal(good.status, 200);
    assert.match(good.text, /^events_total 23$/m);
    assert.equal(good.headers['x-content-type-options'], 'nosniff');
    for (const options of [{}, auth('alice', 'closed'), auth('bob', 'open')]) {
      for (const path of ['/metrics', '/', '/-/healthy/', '/none']) {
        const bad = await ask(new URL(path, url).href, options);
        assert.deepEqual([bad.status, bad.headers['www-authenticate']], [401, 'Basic']);
        assert.doesNotMatch(bad.text, /events/);
      }
    }
    assert.equal(lines.length, 1);
    assert.match(
      (await ask(url, auth('alice', 'open'))).text,
      /^ebpf_meter_scrape_rejections_total\{reason="unauthorized"\} 12$/m,
    );
  });

  const probes = ['/-/healthy', '/-/ready', '/%2D/ready'];

  it('answers probes without a password, and however many there are', async () => {
    const { url } = await start(`basic_auth_users: {alice: ${hashSync('open', 4)}}
http_server_config: {headers: {X-Content-Type-Options: nosniff}}
rate_limit: {interval: 1h, burst: 1}
`);
    for (const options of [{}, auth('alice', 'closed')]) {
      for (const path of probes) {
        const { status, headers } = await ask(new URL(path, url).href, options);
        assert.deepEqual([status, headers['x-content-type-options']], [200, 'nosniff']);
      }
    }
    // They took nothing of the rate.
    assert.equal((await ask(url, auth('alice', 'open'))).status, 200);
    assert.equal((await ask(url, auth('alice', 'open'))).status, 429);
  });

  it('asks for a password at the paths of probes where the configuration says so', async () => {
    const text = `basic_auth_users: {alice: ${hashSync('open', 4)}}\n`;
    const { url } = await start(text, { authenticateProbes: true });
    for (const path of probes) {
      assert.equal((await ask(new URL(path, url).href)).status, 401);
      assert.equal((await ask(new URL(path, url).href, auth('alice', 'open'))).status, 200);
    }
  });

  it('lets no more through than its rate limit', async () => {
    const { url } = await start('rate_limit: {interval: 1h, burst: 2}');
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await ask(url)).status);
    assert.deepEqual(statuses, [200, 200, 429]);
  });

  it('encrypts', async () => {
    const { url } = await start(tls());
    assert.match(url, /^https:/);
    assert.equal((await ask(url)).status, 200);
    await assert.rejects(ask(url, { ca: others.ca }), /self.signed|unable to verify|certificate/);
    await assert.rejects(ask(url.replace('https:', 'http:')), { code: 'ECONNRESET' });
    await assert.rejects(ask(url, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }));
  });

  const client = ({ files }: TestCertificates): RequestOptions => ({
    cert: readFileSync(files.clientCert),
    key: readFileSync(files.clientKey),
  });
  const kinds: [kind: string, none: boolean, foreign: boolean][] = [
    ['NoClientCert', true, true],
    ['RequestClientCert', true, true],
    ['RequireAnyClientCert', false, true],
    ['VerifyClientCertIfGiven', true, false],
    ['RequireAndVerifyClientCert', false, false],
  ];
  for (const [kind, none, foreign] of kinds) {
    it(`with ${kind} ${none ? 'needs no' : 'needs a'} certificate, ${foreign ? 'anyone’s' : 'our authority’s'}`, async () => {
      const ca = kind === 'NoClientCert' ? '' : `  client_ca_file: ${certificates.files.ca}\n`;
      const { url } = await start(tls(`  client_auth_type: ${kind}\n${ca}`));
      const isAnswered = async (options: RequestOptions) => {
        try {
          return (await ask(url, options)).status === 200;
        } catch {
          return false;
        }
      };
      assert.equal(await isAnswered(client(certificates)), true);
      assert.equal(await isAnswered({}), none);
      assert.equal(await isAnswered(client(others)), foreign);
    });
  }

  it('asks for names that the client’s certificate must have', async () => {
    const settings = (name: string) =>
      tls(`  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [${name}]\n`);
    const { url } = await start(settings('localhost'));
    const server: RequestOptions = { cert: certificates.server.cert, key: certificates.server.key };
    assert.equal((await ask(url, server)).status, 200);
    await assert.rejects(ask(url, client(certificates)));
    write(web, settings('prometheus'));
    await assert.rejects(ask(url, server));
  });

  it('is read again when it or a certificate changes; what is wrong changes nothing and is said once', async () => {
    const key = join(folder, 'server.key');
    const cert = join(folder, 'server.pem');
    const use = ({ files }: TestCertificates) => {
      copyFileSync(files.serverKey, `${key}.new`);
      copyFileSync(files.serverCert, `${cert}.new`);
      renameSync(`${key}.new`, key);
      renameSync(`${cert}.new`, cert);
    };
    use(certificates);
    const settings = (more: string) => `tls_server_config: {cert_file: server.pem, key_file: server.key}\n${more}`;
    const { url, lines } = await start(settings(''));
    const first = await ask(url);
    assert.equal(first.status, 200);

    use(others);
    const second = await ask(url, { ca: others.ca });
    assert.notEqual(second.fingerprint, first.fingerprint);
    assert.deepEqual(lines, [`info: web configuration: ${web}: read again`]);

    write(web, settings(`basic_auth_users: {alice: ${hashSync('open', 4)}}\n`));
    assert.equal((await ask(url, { ca: others.ca })).status, 401);
    assert.equal((await ask(url, { ca: others.ca, ...auth('alice', 'open') })).status, 200);

    write(web, settings('basic_auth_user: {}\n'));
    for (let i = 0; i < 3; i++) assert.equal((await ask(url, { ca: others.ca })).status, 401);
    const troubles = lines.filter((line) => line.startsWith('warn: web configuration'));
    assert.equal(troubles.length, 1);
    assert.match(troubles[0]!, /going on with what it was: .*web\.yml:2:1: unknown key "basic_auth_user"/);

    writeFileSync(`${key}.new`, 'nonsense');
    renameSync(`${key}.new`, key);
    write(web, settings(''));
    assert.equal((await ask(url, { ca: others.ca })).status, 401);

    use(certificates);
    assert.equal((await ask(url)).status, 200);
    assert.equal(lines.at(-1), `info: web configuration: ${web}: read again`);

    write(web, '{}');
    assert.equal((await ask(url)).status, 200);
    assert.match(lines.at(-1)!, /"tls_server_config" is gone, which takes a restart/);
    rmSync(web);
    assert.equal((await ask(url)).status, 200);
    assert.match(lines.at(-1)!, /no longer|no such file/);
  });

  const wrong: [name: string, text: () => string, message: RegExp][] = [
    ['not YAML', () => 'a: [', /web\.yml:\d+:\d+: /],
    ['a key that is not there', () => tls().replace('cert_file', 'certfile'), /web\.yml:2:3: unknown key "certfile"/],
    [
      'a certificate that is not there',
      () => tls().replace('server.pem', 'x.pem'),
      /web\.yml:2:14: ".*x\.pem": no such file/,
    ],
    [
      'no PEM',
      () => tls().replace(/key_file: .*/, 'key_file: web.yml'),
      /web\.yml:3:13: ".*web\.yml": it is no PEM file/,
    ],
    [
      'a key of another certificate',
      () => tls().replace(certificates.files.serverKey, others.files.serverKey),
      /web\.yml:2:14: certificate and key: /,
    ],
  ];
  for (const [name, text, message] of wrong) {
    it(`keeps the reader from starting where it is wrong: ${name}`, async () => {
      await assert.rejects(start(text()), (error) => error instanceof ConfigError && message.test(error.message));
    });
  }

  it('keeps the reader from starting where it is not there', async () => {
    const map = new FakeMap('events', 0, 8);
    await assert.rejects(serve([], [map], { webConfigFile: join(folder, 'none.yml') }), {
      code: 'config',
      message: `${join(folder, 'none.yml')}: no such file`,
    });
  });
});
