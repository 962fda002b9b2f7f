import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestPath } from '../../../../src/readers/prometheus/http/request-path.ts';

describe('requestPath', () => {
  const cases: [target: string, path: string | undefined][] = [
    ['/', '/'],
    ['/metrics', '/metrics'],
    ['/metrics?debug=%', '/metrics'],
    ['/metrics#part', '/metrics'],
    ['//metrics', '//metrics'],
    // RFC 9112 section 3.2.2: what proxies are asked, and every server takes.
    ['http://host/metrics', '/metrics'],
    ['HTTP://host:9435/metrics?a', '/metrics'],
    ['https://[::1]:9435/-/ready', '/-/ready'],
    ['http://user:secret@host/metrics', '/metrics'],
    ['http://host', '/'],
    ['http://host?metrics', '/'],
    ['http://host/a/http://b/metrics', '/a/http://b/metrics'],
    ['http:///metrics', undefined],
    ['http://', undefined],
    ['ftp://host/metrics', undefined],
    ['metrics', undefined],
    ['*', undefined],
    ['', undefined],
    // RFC 3986 section 6.2.2.2: the same path in other letters.
    ['/%6detrics', '/metrics'],
    ['/%6Detric%73', '/metrics'],
    ['http://host/%2D/healthy', '/-/healthy'],
    ['/%2fmetrics', '//metrics'],
    ['/metrics%3Fa', '/metrics?a'],
    ['/m%C3%A4', '/mä'],
    ['/%2e%2e/metrics', '/../metrics'],
    ['/metrics%', undefined],
    ['/metrics%2', undefined],
    ['/metrics%zz', undefined],
    ['/metrics%ff', undefined],
    ['/metrics%00', '/metrics\0'],
  ];
  for (const [target, path] of cases) {
    it(`${target} → ${path}`, () => assert.equal(requestPath(target), path));
  }
});
