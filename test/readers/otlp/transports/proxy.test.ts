import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { proxyFor } from '../../../../src/readers/otlp/transports/proxy.ts';

const HTTP = 'http://collector.example:4317';
const HTTPS = 'https://collector.example:4318/v1/metrics';

function nameOf(endpoint: string, env: NodeJS.ProcessEnv): string | undefined {
  return proxyFor(new URL(endpoint), env)?.name;
}

describe('which variable counts', () => {
  const cases: [string, string, NodeJS.ProcessEnv, string | undefined][] = [
    ['none', HTTP, {}, undefined],
    ['http_proxy is for http', HTTP, { http_proxy: 'http://p:3128' }, 'http://p:3128'],
    ['http_proxy is not for https', HTTPS, { http_proxy: 'http://p:3128' }, undefined],
    ['HTTP_PROXY is none', HTTP, { HTTP_PROXY: 'http://p:3128' }, undefined],
    ['https_proxy is for https', HTTPS, { https_proxy: 'http://p:3128' }, 'http://p:3128'],
    ['https_proxy is not for http', HTTP, { https_proxy: 'http://p:3128', HTTPS_PROXY: 'http://q:1' }, undefined],
    ['HTTPS_PROXY too', HTTPS, { HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128'],
    ['small letters first', HTTPS, { HTTPS_PROXY: 'http://p:1', https_proxy: 'http://q:2' }, 'http://q:2'],
    ['all_proxy where there is no other', HTTP, { all_proxy: 'http://p:1', https_proxy: 'http://q:2' }, 'http://p:1'],
    ['the other where there is', HTTP, { all_proxy: 'http://p:1', http_proxy: 'http://q:2' }, 'http://q:2'],
    ['ALL_PROXY too', HTTPS, { ALL_PROXY: 'http://p:1' }, 'http://p:1'],
    ['what is empty is not set', HTTP, { http_proxy: '', all_proxy: 'http://p:1' }, 'http://p:1'],
    ["grpc-js's own is none", HTTP, { grpc_proxy: 'http://p:1' }, undefined],
  ];
  for (const [what, endpoint, env, expected] of cases) test(what, () => assert.equal(nameOf(endpoint, env), expected));
});

describe('what a variable says', () => {
  const cases: [string, string][] = [
    ['http://proxy.example:8080/', 'http://proxy.example:8080'],
    ['http://proxy.example:80', 'http://proxy.example:80'],
    ['http://proxy.example', 'http://proxy.example:1080'],
    ['proxy.example:8080', 'http://proxy.example:8080'],
    [' HTTP://Proxy.Example:8080 ', 'http://proxy.example:8080'],
    ['https://proxy.example', 'https://proxy.example:443'],
    ['https://proxy.example:8443', 'https://proxy.example:8443'],
    ['http://[2001:db8::1]:3128', 'http://[2001:db8::1]:3128'],
    ['http://user:s3cr3t@proxy.example:1', 'http://proxy.example:1'],
  ];
  for (const [value, expected] of cases) {
    test(value, () => assert.equal(nameOf(HTTP, { http_proxy: value }), expected));
  }

  test('user and password are decoded', () => {
    const authorization = (value: string) => {
      const header = proxyFor(new URL(HTTP), { http_proxy: value })!.authorization;
      return header && Buffer.from(header.replace('Basic ', ''), 'base64').toString();
    };
    assert.equal(authorization('http://u%40x:p%3Aw%C3%A4@proxy:1'), 'u@x:p:wä');
    assert.equal(authorization('http://user@proxy:1'), 'user:');
    assert.equal(authorization('http://proxy:1'), undefined);
  });

  const bad: [string, RegExp][] = [
    ['socks5://user:s3cr3t@proxy:1080', /^the proxy of the variable all_proxy: "socks5:\/\/" is none/],
    ['http://user:s3cr3t@', /^the proxy of the variable all_proxy: it is no URL/],
    ['http://user:s3cr3t@proxy:port', /^the proxy of the variable all_proxy: it is no URL/],
    ['http://user:s3cr3t%zz@proxy:1', /^the proxy of the variable all_proxy: its user or password/],
  ];
  for (const [value, message] of bad) {
    test(`${value} can't be used, and is not quoted`, () => {
      assert.throws(
        () => nameOf(HTTP, { all_proxy: value }),
        (error: Error) => {
          assert.match(error.message, message);
          assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /s3cr3t/);
          return true;
        },
      );
    });
  }
});

describe('who has none', () => {
  const cases: [host: string, list: string | undefined, isDirect: boolean][] = [
    ['localhost', undefined, true],
    ['db.localhost', undefined, true],
    ['127.0.0.1', undefined, true],
    ['127.9.9.9', undefined, true],
    ['[::1]', undefined, true],
    ['[::ffff:127.0.0.1]', undefined, true],
    ['0.0.0.0', undefined, true],
    ['notlocalhost', undefined, false],
    ['128.0.0.1', undefined, false],
    ['collector.example', '*', true],
    ['collector.example', 'a,*', false],
    ['collector.example', 'collector.example', true],
    ['collector.example', 'EXAMPLE', true],
    ['collector.example', '.example', true],
    ['collector.example', 'example.', true],
    ['collector.example', 'a.test, example b.test', true],
    ['collector.example', 'a.test b.test,,collector.example ', true],
    ['collector.example', 'xample', false],
    ['collector.example', 'or.example', false],
    ['collector.example', 'sub.collector.example', false],
    ['collector.example', '.', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.0.0/16', true],
    ['10.1.2.3', '10.0.0.0/16', false],
    ['10.1.2.3', '10.1.2.3/33', false],
    ['10.1.2.3', '2.3', false],
    ['10.1.2.3', '0.0.0.0/0', true],
    ['[2001:db8::5]', '2001:db8::5', true],
    ['[2001:db8::5]', '[2001:db8:0::5]', true],
    ['[2001:db8::5]', '2001:db8::/32', true],
    ['[2001:db8::5]', '2001:db9::/32', false],
  ];
  for (const [host, list, isDirect] of cases) {
    test(`${host}, no_proxy=${list}`, () => {
      for (const name of ['no_proxy', 'NO_PROXY']) {
        const env = { all_proxy: 'http://p:1', ...(list !== undefined && { [name]: list }) };
        assert.equal(nameOf(`http://${host}:4317`, env), isDirect ? undefined : 'http://p:1');
      }
    });
  }

  test('small letters first', () => {
    const env = { http_proxy: 'http://p:1', no_proxy: 'other.example', NO_PROXY: 'collector.example' };
    assert.equal(nameOf(HTTP, env), 'http://p:1');
  });
});
