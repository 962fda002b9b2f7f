import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { exportErrorText, exportErrorType, exportRemedy } from '../../src/readers/export-error.ts';
import { startOtlpHttpServer } from '../helpers/otlp-http-server.ts';
import { createTestCertificates } from '../helpers/test-certificates.ts';
import { setUp } from './otlp/set-up.ts';

test('every gRPC status has its name', () => {
  for (const [name, code] of Object.entries(status).filter(([, value]) => typeof value === 'number')) {
    assert.equal(exportErrorType(Object.assign(new Error(), { code })), name);
  }
});

test('other errors are named by code or class, what is no error by _OTHER', () => {
  assert.equal(exportErrorType(Object.assign(new Error(), { code: 'EPIPE' })), 'EPIPE');
  assert.equal(exportErrorType(new TypeError()), 'TypeError');
  assert.equal(exportErrorType(Object.assign(new Error(), { code: 99 })), '_OTHER');
  assert.equal(exportErrorType(undefined), '_OTHER');
});

test("the reason's words are without what says nothing", () => {
  const refused = '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:4317';
  assert.equal(exportErrorText(new Error(`${refused}. Resolution note: `)), refused);
  assert.equal(
    exportErrorText(new Error('4 DEADLINE_EXCEEDED: Deadline exceeded.')),
    '4 DEADLINE_EXCEEDED: Deadline exceeded.',
  );
  assert.equal(exportErrorText(new Error('x'.repeat(70_000))), `${'x'.repeat(1000)}… (70000 characters)`);
});

test('what an operator sees of TLS that fails says what to do', async () => {
  using certificates = createTestCertificates();
  await using plain = await startOtlpHttpServer();
  await using encrypted = await startOtlpHttpServer({ tls: certificates.server });
  const swapped = (url: string) => url.replace(/^https?/, (scheme) => (scheme === 'http' ? 'https' : 'http'));
  const said: [endpoint: string, said: RegExp][] = [
    [encrypted.url, /export failed: [a-z -]+; name the file of its CA by tls\.ca_file/],
    [swapped(encrypted.url), /export failed: [\w ]+; check that the endpoint begins with https:/],
    [swapped(plain.url), /export failed: write EPROTO TLS: wrong version number; check that the receiver speaks TLS/],
  ];
  for (const [url, expected] of said) {
    const { reader, lines } = await setUp({ kind: 'otlp_http', url });
    await assert.rejects(reader.forceFlush());
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, expected);
    assert.doesNotMatch(lines[0]!, /Node|openssl|\n/);
    await assert.rejects(reader.shutdown());
  }
});

test('remedies are for what an operator can change', () => {
  assert.match(exportRemedy('UNAVAILABLE')!, /Collector/);
  assert.equal(exportRemedy('CANCELLED'), undefined);
});
