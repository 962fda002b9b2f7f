import { dirname } from 'node:path';
import { type Diagnostic, Diagnostics, type Position } from '../yaml/diagnostic.ts';
import { type ConfigMap, type ConfigNode, parseYaml } from '../yaml/document.ts';
import { goDuration } from '../yaml/go-duration.ts';
import type { HidingRules } from '../yaml/hidden.ts';
import { suggest } from '../yaml/nearest.ts';
import { resolvePath } from './path.ts';
import { secretText } from './secrets.ts';
import { section, setting } from './section.ts';

/**
 * Prometheus's web configuration file: who may scrape, and by which encryption.
 * Source: prometheus.io/docs/prometheus/latest/configuration/https; web/tls_config.go of prometheus/exporter-toolkit.
 */
export interface WebConfig {
  /** Undefined: plain HTTP. */
  readonly tls: WebTls | undefined;
  /** Added to every answer. */
  readonly headers: ReadonlyMap<string, string>;
  /** By user, the bcrypt hash of the password; empty: nobody is asked for one. */
  readonly users: ReadonlyMap<string, string>;
  readonly rateLimit: RateLimit | undefined;
}

export interface RateLimit {
  /** Milliseconds, above 0, after which one more request is let through. */
  readonly intervalMs: number;
  /** Requests that are let through at once. */
  readonly burst: number;
}

const clientAuthTypes = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'RequireClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;

export type ClientAuthType = (typeof clientAuthTypes)[number];

export interface WebTls {
  readonly cert: Pem;
  readonly key: Pem;
  readonly clientCa: Pem | undefined;
  readonly clientAuth: ClientAuthType;
  /** Of a client's certificate, one subject alternative name must be among these; undefined: any. */
  readonly allowedSans: readonly string[] | undefined;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** As OpenSSL has them; undefined: its own. */
  readonly ciphers: string | undefined;
  readonly curves: string | undefined;
  readonly preferServerCiphers: boolean;
}

/** Text in PEM, or the file that has it, and where the web configuration says so. */
export interface Pem {
  readonly text?: string;
  readonly file?: string;
  readonly at: Position;
}

const versions = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;

type TlsVersion = (typeof versions)[keyof typeof versions];

const curves: Readonly<Record<string, string>> = {
  CurveP256: 'P-256',
  CurveP384: 'P-384',
  CurveP521: 'P-521',
  X25519: 'X25519',
};

/** Those that Go calls secure, and what OpenSSL calls them; those of TLS 1.3 have one name and can't be chosen in Go. */
const ciphers: Readonly<Record<string, string>> = {
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
};

const headerNames = [
  'Content-Security-Policy',
  'X-Frame-Options',
  'X-Content-Type-Options',
  'X-XSS-Protection',
  'Strict-Transport-Security',
] as const;

/** What two of them may say; the others are not looked at. */
const headerValues: ReadonlyMap<string, readonly string[]> = new Map([
  ['X-Frame-Options', ['deny', 'sameorigin']],
  ['X-Content-Type-Options', ['nosniff']],
]);

const topKeys = ['tls_server_config', 'http_server_config', 'basic_auth_users', 'rate_limit'];
const tlsKeys = [
  ...['cert', 'cert_file', 'key', 'key_file', 'client_ca', 'client_ca_file', 'client_auth_type'],
  ...['client_allowed_sans', 'min_version', 'max_version', 'cipher_suites', 'curve_preferences'],
  'prefer_server_cipher_suites',
];
const httpKeys = ['headers', 'http2'];
const rateKeys = ['interval', 'burst'];
/** Those whose values are words of the format, so that an error may quote what isn't one. */
const choices = ['client_auth_type', 'min_version', 'max_version', 'cipher_suites', 'curve_preferences'];

/** Shown are the format's own names, those of users, and values where secrets have no business. */
const hiding: HidingRules = {
  words: new Set([...topKeys, ...tlsKeys, ...httpKeys, ...rateKeys, ...headerNames]),
  key([section = '', key, ...below]) {
    const isName = (text: string) => /^[A-Za-z_][\w-]{0,39}$/.test(text);
    if (key === undefined) return topKeys.includes(section) ? 'open' : isName(section) ? 'key' : 'hidden';
    if (section === 'basic_auth_users') return below.length === 0 && /^[\w.@ -]{1,40}$/.test(key) ? 'key' : 'hidden';
    if (below.length > 0) return headerNames.some((name) => name === below[0]) ? 'key' : 'hidden';
    if ([...choices, ...rateKeys, 'headers', 'http2'].includes(key)) return 'open';
    return isName(key) ? 'key' : 'hidden';
  },
  shows: ([section, key = ''], text) =>
    (section === 'rate_limit' || choices.includes(key) || key === 'http2') && /^[\w.-]{0,60}$/.test(text),
};

/**
 * Reads the text of a web configuration; `file` is its path, from whose folder its own paths start. `config` is undefined
 * where there are errors; these show no line that may hold a secret, and neither do warnings of what does nothing here.
 */
export function readWebConfig(
  text: string,
  file: string,
): {
  readonly config: WebConfig | undefined;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
} {
  const diagnostics = new Diagnostics();
  const root = parseYaml(text, file, diagnostics, { hiding });
  const config = root && readRoot(root, dirname(file));
  const { errors, warnings } = diagnostics;
  return { config: errors.length === 0 ? config : undefined, errors, warnings };
}

function readRoot(root: ConfigNode, directory: string): WebConfig {
  const map = section(root, { supported: topKeys });
  const tls = setting(map, 'tls_server_config');
  const http = setting(map, 'http_server_config');
  const limit = setting(map, 'rate_limit');
  return {
    tls: tls && readTls(tls, directory),
    headers: http === undefined ? new Map() : readHeaders(http),
    users: readUsers(setting(map, 'basic_auth_users')),
    rateLimit: limit && readRateLimit(limit),
  };
}

function readTls(node: ConfigNode, directory: string): WebTls | undefined {
  const map = section(node, { supported: tlsKeys });
  if (map === undefined || map.entries.length === 0) return undefined;
  const cert = readPem(map, 'cert', directory);
  const key = readPem(map, 'key', directory);
  const clientCa = readPem(map, 'client_ca', directory);
  const clientAuth = setting(map, 'client_auth_type')?.oneOf([...clientAuthTypes]) ?? 'NoClientCert';
  const sans = setting(map, 'client_allowed_sans');
  const allowedSans = sans?.list()?.flatMap((item) => item.string() ?? []);
  const requires = /^Require/.test(clientAuth);
  if (clientCa !== undefined && clientAuth === 'NoClientCert') {
    node.error('"client_ca_file" without "client_auth_type": nobody would be asked for a certificate');
  }
  if (/Verify/.test(clientAuth) && clientCa === undefined) {
    node.error(`"client_auth_type": ${clientAuth} needs "client_ca_file"`);
  }
  if (sans !== undefined && !requires) {
    sans.error('"client_allowed_sans" needs "client_auth_type" RequireAndVerifyClientCert or RequireAnyClientCert');
  }
  if (cert === undefined) node.error('"tls_server_config" has no "cert_file"');
  if (key === undefined) node.error('"tls_server_config" has no "key_file"');
  const minVersion = readVersion(map, 'min_version') ?? 'TLSv1.2';
  const maxVersion = readVersion(map, 'max_version') ?? 'TLSv1.3';
  if (minVersion > maxVersion) node.error('"min_version" is above "max_version"');
  const chosen = readNames(setting(map, 'cipher_suites'), ciphers, 'cipher suite');
  const preferred = readNames(setting(map, 'curve_preferences'), curves, 'curve');
  if (cert === undefined || key === undefined) return undefined;
  return {
    cert,
    key,
    clientCa,
    clientAuth,
    allowedSans,
    minVersion,
    maxVersion,
    ciphers: chosen,
    curves: preferred,
    preferServerCiphers: setting(map, 'prefer_server_cipher_suites')?.boolean() ?? true,
  };
}

/** NAME with the text itself, or NAME_file; the file wins, as in Prometheus. */
function readPem(map: ConfigMap, name: string, directory: string): Pem | undefined {
  const fileNode = setting(map, `${name}_file`);
  const file = fileNode?.string();
  if (file?.includes('-----BEGIN ')) {
    fileNode!.error(
      `"${name}_file" has the text itself, which belongs to "${name}"; it has to be the path of a PEM file`,
    );
    return undefined;
  }
  if (file !== undefined && file !== '') return { file: resolvePath(directory, file), at: fileNode!.position };
  const node = setting(map, name);
  const text = node && secretText(node);
  return text === undefined || text === '' ? undefined : { text, at: node!.position };
}

function readVersion(map: ConfigMap, name: string): TlsVersion | undefined {
  const version = setting(map, name)?.oneOf(Object.keys(versions) as (keyof typeof versions)[]);
  return version && versions[version];
}

/** A list of Go's names as OpenSSL's, with colons between; undefined where there are none. */
function readNames(
  node: ConfigNode | undefined,
  known: Readonly<Record<string, string>>,
  what: string,
): string | undefined {
  const names = node?.list()?.flatMap((item) => {
    const name = item.string();
    if (name === undefined) return [];
    if (!Object.hasOwn(known, name)) item.error(`unknown ${what} "${name}"${suggest(name, Object.keys(known))}`);
    return Object.hasOwn(known, name) ? [known[name]!] : [];
  });
  return names === undefined || names.length === 0 ? undefined : names.join(':');
}

function readHeaders(node: ConfigNode): ReadonlyMap<string, string> {
  const map = section(node, { supported: httpKeys });
  const http2 = setting(map, 'http2');
  if (http2?.boolean()) http2.warn('"http2": true has no effect: this server speaks HTTP/1.1 only, as all scrapers do');
  const headers = new Map<string, string>();
  const headersNode = setting(map, 'headers');
  const entries = headersNode && section(headersNode, { supported: headerNames });
  for (const { name, value } of entries?.entries ?? []) {
    const text = value.isNull ? '' : value.string();
    if (text === undefined || text === '') continue;
    const allowed = headerValues.get(name);
    if (allowed !== undefined && !allowed.includes(text.toLowerCase())) {
      value.error(`"${name}" may be ${allowed.join(' or ')}`);
    } else if (/[^\t\x20-\x7e\x80-\xff]/.test(text)) value.error(`"${name}" has a character that no header may have`);
    headers.set(name, text);
  }
  return headers;
}

/** No message here may quote a value. */
function readUsers(node: ConfigNode | undefined): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const { name, key, value } of node?.map()?.entries ?? []) {
    const hash = secretText(value);
    if (hash === undefined) continue;
    const cost = Number(/^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1]);
    if (!(cost >= 4 && cost <= 31)) {
      value.error(`the password of "${name}" is no bcrypt hash; "htpasswd -nBC 10 ${name}" makes one`);
    }
    if (name.includes(':'))
      key.error('basic authentication knows no names with a colon; behind the one after a name is a space');
    users.set(name, hash);
  }
  return users;
}

function readRateLimit(node: ConfigNode): RateLimit | undefined {
  const map = section(node, { supported: rateKeys });
  const interval = setting(map, 'interval');
  const text = interval?.text() ?? '0';
  const intervalMs = goDuration(text);
  if (intervalMs === undefined || intervalMs < 0)
    interval?.error(`"interval": "${text}" is no duration such as 500ms, 1s or 1m30s`);
  const burst = setting(map, 'burst')?.integer({ min: 0 }) ?? 0;
  if (!intervalMs) return undefined;
  if (burst === 0) node.error('"rate_limit" has no "burst" above 0, so every request would be turned away');
  return { intervalMs, burst };
}
