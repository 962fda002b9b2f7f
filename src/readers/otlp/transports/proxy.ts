import { BlockList, isIP } from 'node:net';
import { MeterError } from '../../../errors.ts';

/** Whom requests to a receiver are given to. */
export interface HttpProxy {
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
  /** http://HOST:PORT, for the log: without user and password. */
  readonly name: string;
  /** For the header Proxy-Authorization; undefined: none. */
  readonly authorization: string | undefined;
}

/** What curl takes where the variable names no port. */
const DEFAULT_PORTS = { http: 1080, https: 443 };

/**
 * The proxy of requests to a receiver, by the variables that curl has: http_proxy, in small letters only, or https_proxy or
 * HTTPS_PROXY, by the receiver's scheme, then all_proxy or ALL_PROXY; none for those whom no_proxy or NO_PROXY lists, nor
 * for this machine. Throws MeterError('reader') where the variable's value can't be used.
 * Source: "Environment" in curl(1); Curl_check_noproxy in lib/noproxy.c of curl.
 */
export function proxyFor({ protocol, hostname }: URL, env: NodeJS.ProcessEnv): HttpProxy | undefined {
  const host = withoutBrackets(hostname);
  if (isThisMachine(host) || isListed(host, env.no_proxy || env.NO_PROXY || '')) return undefined;
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy'];
  const name = [...names, 'all_proxy', 'ALL_PROXY'].find((one) => env[one]);
  return name === undefined ? undefined : parseProxy(name, env[name]!);
}

function parseProxy(variable: string, value: string): HttpProxy {
  const [, scheme = 'http', rest] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(value.trim())!;
  const lower = scheme.toLowerCase();
  if (lower !== 'http' && lower !== 'https') {
    throw unusable(variable, `"${scheme}://" is none that OTLP can be sent through`);
  }
  // Of another scheme, since URL drops the port that is its scheme's own.
  const url = URL.parse(`proxy://${rest}`);
  const ascii = URL.parse(`${lower}://${rest}`);
  if (url === null || ascii === null || ascii.hostname === '') throw unusable(variable, 'it is no URL');
  const port = url.port === '' ? DEFAULT_PORTS[lower] : Number(url.port);
  let authorization: string | undefined;
  try {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    if (credentials !== ':') authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  } catch {
    throw unusable(variable, 'its user or password has a "%" that no two hexadecimal digits follow');
  }
  return {
    isTls: lower === 'https',
    host: withoutBrackets(ascii.hostname),
    port,
    name: `${lower}://${ascii.hostname}:${port}`,
    authorization,
  };
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Never quotes the value, which may have a password. */
function unusable(variable: string, cause: string): MeterError {
  const remedy = 'Write it as http://HOST:PORT or https://HOST:PORT, or list the receiver in no_proxy.';
  return new MeterError('reader', `the proxy of the variable ${variable}: ${cause}`, { remedy });
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('0.0.0.0');
loopback.addAddress('::1', 'ipv6');
loopback.addAddress('::', 'ipv6');

function isThisMachine(host: string): boolean {
  return includes(loopback, host) || /^(.+\.)?localhost\.?$/.test(host);
}

/** Names stand for their subdomains too, addresses may have a prefix's length. */
function isListed(host: string, list: string): boolean {
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== '');
  if (list.trim() === '*') return true;
  if (isIP(host) !== 0) return entries.some((entry) => includes(network(entry), host));
  const name = host.replace(/\.$/, '');
  return entries.some((entry) => {
    const domain = entry.toLowerCase().replace(/^\.|\.$/g, '');
    return name === domain || (domain !== '' && name.endsWith(`.${domain}`));
  });
}

/** The addresses of ADDRESS or ADDRESS/BITS; none where it is neither. */
function network(entry: string): BlockList {
  const addresses = new BlockList();
  const [, address = '', bits] = /^\[?([^\]/]*)\]?(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const version = isIP(address);
  if (version === 0) return addresses;
  const longest = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? longest : Number(bits);
  if (prefix <= longest) addresses.addSubnet(address, prefix, `ipv${version === 4 ? 4 : 6}`);
  return addresses;
}

function includes(addresses: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && addresses.check(host, version === 4 ? 'ipv4' : 'ipv6');
}
