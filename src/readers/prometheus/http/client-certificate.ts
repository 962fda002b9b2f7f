import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ClientAuthType } from '../../../config/exporter/web-file.ts';

/**
 * Whether a connection may go on by what its client has shown.
 * Source: crypto/tls of Go, ClientAuthType, whose names Prometheus's web configuration uses.
 */
export function clientIsWelcome(
  socket: Pick<TLSSocket, 'authorized' | 'getPeerX509Certificate'>,
  clientAuth: ClientAuthType,
  allowedSans: readonly string[] | undefined,
): boolean {
  const certificate = clientAuth === 'NoClientCert' ? undefined : socket.getPeerX509Certificate();
  if (certificate === undefined) return !/^Require/.test(clientAuth);
  if (/Verify/.test(clientAuth) && !socket.authorized) return false;
  return allowedSans === undefined || subjectAltNames(certificate).some((name) => allowedSans.includes(name));
}

/** Names of every kind that a certificate is for: `DNS:a, IP Address:1.2.3.4, URI:b, email:c`, quoted where need be. */
export function subjectAltNames({ subjectAltName }: Pick<X509Certificate, 'subjectAltName'>): string[] {
  const names = (subjectAltName ?? '').matchAll(/(?:^|, )(DNS|IP Address|URI|email):("(?:[^"\\]|\\.)*"|[^,]*)/g);
  return [...names].map(([, kind, text]) => {
    const name = text!.startsWith('"') ? (JSON.parse(text!) as string) : text!;
    return kind === 'IP Address' && name.includes(':') ? shortAddress(name) : name;
  });
}

/** 0:0:0:0:0:0:0:1 is ::1, as everybody writes it. */
function shortAddress(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
