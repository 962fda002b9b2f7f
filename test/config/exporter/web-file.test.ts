import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readWebConfig } from '../../../src/config/exporter/web-file.ts';
import { formatDiagnostic } from '../../../src/config/yaml/diagnostic.ts';

const HASH = '$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG';

/** `LINE:COLUMN message` of each error. */
const problems = (text: string) =>
  readWebConfig(text, 'conf/web.yml').errors.map(({ line, column, message }) => `${line}:${column} ${message}`);

describe('readWebConfig', () => {
  it('knows every setting', () => {
    const { config, errors, warnings } = readWebConfig(
      `tls_server_config:
  cert_file: server.crt
  key_file: /etc/server.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus, 10.0.0.1]
  min_version: TLS13
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]
  curve_preferences: [X25519, CurveP256]
  prefer_server_cipher_suites: false
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
    X-Content-Type-Options:
    Strict-Transport-Security: max-age=1
basic_auth_users:
  alice: ${HASH}
  "bob smith": '${HASH.replace('$2y', '$2b')}'
rate_limit: {interval: 1m1.5s, burst: 7}
`,
      'conf/web.yml',
    );
    assert.deepEqual(errors, []);
    assert.deepEqual(warnings, []);
    const { tls, ...rest } = config!;
    const { cert, key, clientCa, ...settings } = tls!;
    assert.deepEqual([cert.file, key.file, clientCa!.file], ['conf/server.crt', '/etc/server.key', 'conf/ca.crt']);
    assert.deepEqual([cert.at.line, cert.at.column], [2, 14]);
    assert.deepEqual(settings, {
      clientAuth: 'RequireAndVerifyClientCert',
      allowedSans: ['prometheus', '10.0.0.1'],
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256',
      curves: 'X25519:P-256',
      preferServerCiphers: false,
    });
    assert.deepEqual(rest, {
      headers: new Map([
        ['X-Frame-Options', 'deny'],
        ['Strict-Transport-Security', 'max-age=1'],
      ]),
      users: new Map([
        ['alice', HASH],
        ['bob smith', HASH.replace('$2y', '$2b')],
      ]),
      rateLimit: { intervalMs: 61_500, burst: 7 },
    });
  });

  it('says where what does nothing stands, unless it asks for what is so anyway', () => {
    const warned = (text: string) =>
      readWebConfig(text, 'web.yml').warnings.map(({ line, column, message }) => `${line}:${column} ${message}`);
    const expected = '2:10 "http2": true has no effect: this server speaks HTTP/1.1 only, as all scrapers do';
    assert.deepEqual(warned('http_server_config:\n  http2: true\n'), [expected]);
    assert.deepEqual(warned('http_server_config:\n  http2:\n'), []);
    assert.deepEqual(problems('http_server_config:\n  http2: soon\n').length, 1);
  });

  for (const text of ['', '{}', 'tls_server_config:\nbasic_auth_users:\n', 'rate_limit: {interval: 0, burst: 1}']) {
    it(`asks for nothing in ${JSON.stringify(text)}`, () => {
      const { config } = readWebConfig(text, 'web.yml');
      assert.deepEqual(config, { tls: undefined, headers: new Map(), users: new Map(), rateLimit: undefined });
    });
  }

  it('has the defaults of Prometheus, and takes certificates in the file itself', () => {
    const { config } = readWebConfig('tls_server_config: {cert: PEM1, key: PEM2}', 'web.yml');
    const { cert, key, clientCa, ...settings } = config!.tls!;
    assert.deepEqual([cert.text, key.text, clientCa], ['PEM1', 'PEM2', undefined]);
    assert.deepEqual(settings, {
      clientAuth: 'NoClientCert',
      allowedSans: undefined,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers: undefined,
      curves: undefined,
      preferServerCiphers: true,
    });
  });

  const wrong: [text: string, problems: string[]][] = [
    ['tls_server_confg: {}', ['1:1 unknown key "tls_server_confg", did you mean "tls_server_config"?']],
    ['tls_server_config: {cert_file: a}', ['1:20 "tls_server_config" has no "key_file"']],
    ['tls_server_config: {key_file: a}', ['1:20 "tls_server_config" has no "cert_file"']],
    [
      'tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}',
      ['1:20 "client_ca_file" without "client_auth_type": nobody would be asked for a certificate'],
    ],
    [
      'tls_server_config: {cert_file: a, key_file: b, client_auth_type: VerifyClientCertIfGiven}',
      ['1:20 "client_auth_type": VerifyClientCertIfGiven needs "client_ca_file"'],
    ],
    [
      'tls_server_config:\n  cert_file: a\n  key_file: b\n  client_allowed_sans: [x]\n',
      ['4:24 "client_allowed_sans" needs "client_auth_type" RequireAndVerifyClientCert or RequireAnyClientCert'],
    ],
    [
      'tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}',
      ['1:20 "min_version" is above "max_version"'],
    ],
    [
      'tls_server_config:\n  cert_file: a\n  key_file: b\n  curve_preferences: [X25518]\n',
      ['4:23 unknown curve "X25518", did you mean "X25519"?'],
    ],
    [
      'http_server_config:\n  headers: {X-Frame-Options: allow}\n',
      ['2:30 "X-Frame-Options" may be deny or sameorigin'],
    ],
    [
      'basic_auth_users: {alice: secret}',
      ['1:27 the password of "alice" is no bcrypt hash; "htpasswd -nBC 10 alice" makes one'],
    ],
    ['basic_auth_users: {alice: 4711}', ['1:27 "alice" must be a string: put it into quotes']],
    [
      `basic_auth_users: {"a:b": ${HASH}}`,
      ['1:20 basic authentication knows no names with a colon; behind the one after a name is a space'],
    ],
    ['rate_limit: {interval: soon, burst: 1}', ['1:24 "interval": "soon" is no duration such as 500ms, 1s or 1m30s']],
    ['rate_limit: {interval: -1s, burst: 1}', ['1:24 "interval": "-1s" is no duration such as 500ms, 1s or 1m30s']],
    ['rate_limit: {interval: 1s}', ['1:13 "rate_limit" has no "burst" above 0, so every request would be turned away']],
  ];
  for (const [text, expected] of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.deepEqual(problems(text), expected));
  }

  it('shows no secret in its errors', () => {
    for (const text of [
      'basic_auth_users: {alice: 4711}',
      'basic_auth_users:\n  alice: hunter2\n',
      'basic_auth_users:\n  alice: "hunter2\n',
      'basic_auth_users:\n  alice:hunter2\n',
      'basic_auth_users: alice:hunter2\n',
      'basic_auth_users: {alice:hunter2}\n',
      'basic_auth_users: {"alice:$2y$10$hunter2"}\n',
      'basic_auth: {alice: hunter2}\n',
      'basic_auth_user:\n  alice: &a hunter2\nrate_limit: *a\n',
      'tls_server_config: {key_flie: hunter2}\n',
      'tls_server_config: hunter2\n',
      'tls: {key: hunter2}\n',
      'tls_server_config: {cert_file: a, key: hunter2, client_ca: [hunter2]}\n',
      'http_server_config: {headers: {Authorization: hunter2}}\n',
      'http_server_config: {headers: {X-Frame-Options: hunter2}}\n',
      'alice: hunter2\n',
      '- hunter2\n',
      'rate_limit: 1 # hunter2\n',
      'basic_auth_users: {alice: *hunter2}\n',
      'basic_auth_users: {alice: !hunter2 x}\n',
      'basic_auth_users:\n  alice: !hunter2\n',
      'basic_auth_users: {alice: !hunter2}\n',
      'tls_server_config: !hunter2\n  min_version: 1\n',
      'tls_server_config: {min_version: !hunter2 TLS}\n',
      'basic_auth_users: {alice: |hunter2\n',
      'tls_server_config: {cert_file: a, key_file: "-----BEGIN PRIVATE KEY-----\\nhunter2"}\n',
    ]) {
      const { errors, warnings } = readWebConfig(text, 'web.yml');
      const shown = [...errors, ...warnings].map(formatDiagnostic).join('\n');
      assert.notEqual(shown, '', text);
      assert.doesNotMatch(shown, /4711|hunter2/);
    }
  });
});
