import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MeterError } from '../../src/errors.ts';
import { readTlsFiles } from '../../src/readers/tls-files.ts';
import { createTestCertificates } from '../helpers/test-certificates.ts';

const NONE = { insecure: undefined, caFile: undefined, keyFile: undefined, certFile: undefined };

test('no file is no material', () => {
  assert.deepEqual(readTlsFiles(NONE), { ca: null, key: null, cert: null });
});

test('good files are read as they are', () => {
  using certificates = createTestCertificates();
  const { ca, clientKey, clientCert } = certificates.files;
  const material = readTlsFiles({ ...NONE, caFile: ca, keyFile: clientKey, certFile: clientCert });
  assert.deepEqual(material.ca, certificates.ca);
  assert.match(material.key!.toString(), /PRIVATE KEY/);
  assert.match(material.cert!.toString(), /BEGIN CERTIFICATE/);
});

test('a key in place of its file is not quoted', () => {
  const keyFile = '/etc/-----BEGIN PRIVATE KEY-----\nMIIEv\n-----END PRIVATE KEY-----\n';
  for (const tls of [
    { ...NONE, keyFile },
    { ...NONE, keyFile, certFile: 'client.crt' },
    { ...NONE, caFile: keyFile },
  ]) {
    assert.throws(() => readTlsFiles(tls), {
      name: 'MeterError',
      message: 'a TLS setting has the text of a certificate or a key',
      remedy: 'it has to be the path of a PEM file',
    });
  }
});

test('bad files are named', (t) => {
  using certificates = createTestCertificates();
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const junk = join(folder, 'junk.pem');
  writeFileSync(junk, 'no PEM\n');
  const { ca, clientKey, clientCert } = certificates.files;
  const missing = join(folder, 'missing.pem');
  const cases = [
    { tls: { ...NONE, caFile: missing }, message: `CA certificate "${missing}": ENOENT` },
    { tls: { ...NONE, caFile: junk }, message: `CA certificate "${junk}": ` },
    { tls: { ...NONE, caFile: clientKey }, message: `CA certificate "${clientKey}": ` },
    { tls: { ...NONE, keyFile: ca, certFile: clientCert }, message: `client key "${ca}": ` },
    { tls: { ...NONE, keyFile: clientKey, certFile: junk }, message: `client certificate "${junk}": ` },
    { tls: { ...NONE, keyFile: clientKey }, message: `"${clientKey}": the client certificate that belongs to it` },
    { tls: { ...NONE, certFile: clientCert }, message: `"${clientCert}": the client key that belongs to it` },
  ];
  for (const { tls, message } of cases) {
    assert.throws(
      () => readTlsFiles(tls),
      (error) => {
        assert.ok(error instanceof MeterError);
        assert.equal(error.code, 'reader');
        assert.ok(error.message.startsWith(message), error.message);
        assert.notEqual(error.remedy, undefined);
        return true;
      },
    );
  }
});
