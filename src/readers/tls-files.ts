import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { TlsFilesConfig } from '../config/exporter/configuration.ts';
import { MeterError } from '../errors.ts';
import { readUserFile } from '../user-file.ts';

interface TlsMaterial {
  /** PEM; null: the system's certificate authorities, no client certificate. */
  readonly ca: Buffer | null;
  readonly key: Buffer | null;
  readonly cert: Buffer | null;
}

/** Reads and checks the files. Throws MeterError('reader') that names the file at fault. */
export function readTlsFiles(tls: TlsFilesConfig): TlsMaterial {
  // Nor may an error quote it then.
  if ([tls.caFile, tls.keyFile, tls.certFile].some((file) => file?.includes('-----BEGIN '))) {
    throw new MeterError('reader', 'a TLS setting has the text of a certificate or a key', {
      remedy: 'it has to be the path of a PEM file',
    });
  }
  if ((tls.keyFile === undefined) !== (tls.certFile === undefined)) {
    const given = tls.keyFile ?? tls.certFile;
    const missing = tls.keyFile === undefined ? 'key' : 'certificate';
    throw new MeterError('reader', `"${given}": the client ${missing} that belongs to it is not set`, {
      remedy: 'give both the client certificate and its key, or neither',
    });
  }
  return {
    ca: readPem('CA certificate', tls.caFile, (pem) => new X509Certificate(pem)),
    key: readPem('client key', tls.keyFile, createPrivateKey),
    cert: readPem('client certificate', tls.certFile, (pem) => new X509Certificate(pem)),
  };
}

function readPem(what: string, file: string | undefined, parse: (pem: Buffer) => unknown): Buffer | null {
  if (file === undefined) return null;
  try {
    const pem = readUserFile(file);
    parse(pem);
    return pem;
  } catch (cause) {
    throw new MeterError('reader', `${what} "${file}": ${(cause as Error).message}`, {
      cause,
      remedy: 'it has to be a readable PEM file',
    });
  }
}
