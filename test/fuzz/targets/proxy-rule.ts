import assert from 'node:assert/strict';
import { MeterError } from '../../../src/errors.ts';
import { type HttpProxy, proxyFor } from '../../../src/readers/otlp/transports/proxy.ts';
import type { StartTarget } from '../target.ts';

const schemes = ['http://', 'https://', 'HTTP://', 'socks5://', '//', ''];
const users = ['', 'user:s3cr3t@', 'user:s3cr3t%zz@', 'user%40x:s3cr3t%C3%A4@', ':s3cr3t@', '@', 's3cr3t@'];
const hosts = ['proxy', 'proxy.example', '10.0.0.1', '[2001:db8::1]', '[::1', '', 'a b', 'é.example', '1', '*'];
const ports = ['', ':3128', ':0', ':65535', ':65536', ':port', ':', ':80', ':443', '/', '/path?x#y'];
const lists = [
  ...hosts,
  '.example',
  'example',
  'localhost',
  '10.0.0.0/8',
  '10.0.0.0/33',
  '::/0',
  '2001:db8::/129',
  ',',
  ' ',
];
const receivers = [
  'http://collector.example:4317',
  'https://collector.example/v1/metrics',
  'http://10.0.0.1:4318',
  'https://[2001:db8::1]:1',
  'http://a.localhost:1',
  'http://127.9.9.9',
  'http://[::1]:4318',
  'http://xn--9ca.example',
];
const names = ['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'HTTP_PROXY'];

/** The variables of proxies: a proxy that can be connected to, none, or an error that doesn't tell the password. */
export const start: StartTarget = () => ({
  attempt(attempt) {
    const env: Record<string, string> = {};
    for (let set = attempt.below(4); set > 0; set--) {
      const value = [schemes, users, hosts, ports].map((parts) => attempt.pick(parts)).join('');
      // The password stays whole, or it would be looked for in vain.
      env[attempt.pick(names)] = attempt.onceIn(3) ? attempt.text(lists, 2) + value + attempt.text(lists, 2) : value;
    }
    if (attempt.onceIn(2)) env[attempt.pick(['no_proxy', 'NO_PROXY'])] = attempt.text([...lists, ','], 6);
    const receiver = attempt.pick(receivers);
    attempt.input = JSON.stringify({ receiver, env });
    let proxy: HttpProxy | undefined;
    try {
      proxy = proxyFor(new URL(receiver), env);
    } catch (error) {
      assert.ok(error instanceof MeterError && error.code === 'reader', 'another error');
      assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /s3cr3t/);
      return 'refused';
    }
    if (proxy === undefined) return 'taken';
    assert.doesNotMatch(receiver, /localhost|127\.|\[::1\]/);
    assert.ok(proxy.host !== '' && !/[\s[\]@/]/.test(proxy.host), proxy.host);
    assert.ok(Number.isInteger(proxy.port) && proxy.port >= 0 && proxy.port <= 65_535, String(proxy.port));
    assert.doesNotMatch(proxy.name, /s3cr3t/);
    assert.match(proxy.authorization ?? 'Basic eDp5', /^Basic [A-Za-z0-9+/]+=*$/);
    return 'taken';
  },
});
