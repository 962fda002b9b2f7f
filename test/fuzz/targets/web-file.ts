import assert from 'node:assert/strict';
import { readWebConfig } from '../../../src/config/exporter/web-file.ts';
import { formatDiagnostic } from '../../../src/config/yaml/diagnostic.ts';
import { secret, withSlips } from '../../config/exporter/secret-slips.ts';
import { assertTold } from '../../config/yaml/told.ts';
import type { StartTarget } from '../target.ts';

const hash = `${secret}/${secret}.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM`;
const whole = `tls_server_config:
  cert_file: server.crt
  key: "-----BEGIN ${secret}"
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus, 10.0.0.1]
  min_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=1
basic_auth_users:
  alice: $2y$10$${hash}
  "bob smith": '$2b$10$${hash}'
rate_limit: {interval: 1m1.5s, burst: 7}
`;

const words = [
  '',
  '~',
  '[]',
  '{}',
  '-1',
  '1.5',
  '*x',
  '&x ',
  '|',
  "'",
  '"',
  'constructor',
  '__proto__',
  'toString',
  '# ',
];

/** Prometheus's web configuration with slips: never an exception, what is wrong has a place, and no error shows a secret. */
export const start: StartTarget = () => ({
  attempt(attempt) {
    const isSecret = !attempt.onceIn(3);
    const text = isSecret ? withSlips(whole, (limit) => attempt.below(limit)) : attempt.spoil(whole, words);
    attempt.input = text;
    const { config, errors, warnings } = readWebConfig(text, 'web.yml');
    assert.equal(config === undefined, errors.length > 0);
    const told = [...errors, ...warnings];
    assertTold(told, text);
    const shown = told.map(formatDiagnostic).join('\n');
    assert.ok(!isSecret || !shown.includes(secret), shown);
    return config === undefined ? 'refused' : 'taken';
  },
});
