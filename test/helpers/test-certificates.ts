import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCertificates extends Disposable {
  readonly ca: Buffer;
  /** For localhost and collector.test. */
  readonly server: { readonly key: Buffer; readonly cert: Buffer };
  readonly files: {
    readonly ca: string;
    readonly serverKey: string;
    readonly serverCert: string;
    readonly clientKey: string;
    readonly clientCert: string;
  };
}

/** A certificate authority and what it signed, valid for a day, made by openssl in a folder of their own. */
export function createTestCertificates(): TestCertificates {
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-certificates-'));
  const path = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', ...args], {
      stdio: 'pipe',
    });
  };
  const make = (name: string, ...args: string[]): void => {
    const out = ['-nodes', '-days', '1', '-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)];
    openssl(...out, '-subj', `/CN=${name}`, ...args);
  };
  const signed = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-addext', 'basicConstraints=CA:FALSE'];
  make('ca', '-addext', 'keyUsage=keyCertSign');
  make('server', ...signed, '-addext', 'subjectAltName=DNS:localhost,DNS:collector.test');
  make('client', ...signed);
  return {
    ca: readFileSync(path('ca.pem')),
    server: { key: readFileSync(path('server.key')), cert: readFileSync(path('server.pem')) },
    files: {
      ca: path('ca.pem'),
      serverKey: path('server.key'),
      serverCert: path('server.pem'),
      clientKey: path('client.key'),
      clientCert: path('client.pem'),
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
