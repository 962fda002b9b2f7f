import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hashSync } from 'bcryptjs';
import { BasicAuth, parseBasic } from '../../../../src/readers/prometheus/http/basic-auth.ts';
import { subjectAltNames } from '../../../../src/readers/prometheus/http/client-certificate.ts';
import { RateLimiter } from '../../../../src/readers/prometheus/http/rate-limiter.ts';

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

describe('BasicAuth', () => {
  const users = new Map([
    ['alice', hashSync('open sesame', 4)],
    ['bob', hashSync('', 4)],
  ]);

  it('admits right passwords alone, as the thread computes them', async () => {
    const auth = new BasicAuth();
    const admit = (header: string | undefined) => auth.admit(header, users);
    assert.equal(await admit(basic('alice', 'open sesame')), 'admitted');
    assert.equal(await admit(basic('bob', '')), 'admitted');
    for (const header of [
      undefined,
      '',
      'Bearer x',
      'Basic',
      'Basic !',
      'Basic YWxpY2U=',
      basic('alice', 'open sesame '),
      basic('bob', 'open sesame'),
      basic('carol', 'open sesame'),
      basic('', ''),
    ]) {
      assert.equal(await admit(header), 'unauthorized', String(header));
    }
    await auth.close();
  });

  function counting(answer: () => Promise<boolean>, limits?: { most: number; mostPerClient: number }) {
    const compared: string[] = [];
    const bcrypt = {
      compare(password: string) {
        compared.push(password);
        return answer();
      },
      async close() {},
    };
    return { auth: new BasicAuth(bcrypt, limits), compared };
  }

  it('remembers what was right, until the hash changes, and nothing that was wrong', async () => {
    const { auth, compared } = counting(async () => true);
    await Promise.all([1, 2, 3].map(() => auth.admit(basic('alice', 'x'), users)));
    await auth.admit(basic('alice', 'x'), users);
    assert.deepEqual(compared, ['x']);
    await auth.admit(basic('alice', 'x'), new Map([['alice', 'other hash']]));
    assert.deepEqual(compared, ['x', 'x']);
    const wrong = counting(async () => false);
    for (let i = 0; i < 2; i++) await wrong.auth.admit(basic('alice', 'y'), users);
    assert.deepEqual(wrong.compared, ['y', 'y']);
  });

  it('takes as long for users that are not there, and never admits them', async () => {
    const { auth, compared } = counting(async () => true);
    for (let i = 0; i < 2; i++) assert.equal(await auth.admit(basic('nobody', 'x'), users), 'unauthorized');
    assert.deepEqual(compared, ['x', 'x']);
  });

  it('drops what nobody waits for any longer, before it is checked', async () => {
    const first = Promise.withResolvers<boolean>();
    const answers = [first.promise];
    const { auth, compared } = counting(() => answers.shift() ?? Promise.resolve(true));
    const gone = new AbortController();
    const running = auth.admit(basic('alice', '1'), users, 'a');
    const dropped = auth.admit(basic('alice', '2'), users, 'a', gone.signal);
    const shared = [gone.signal, undefined].map((signal) => auth.admit(basic('alice', '3'), users, 'a', signal));
    gone.abort();
    assert.equal(await dropped, 'busy');
    first.resolve(false);
    assert.equal(await running, 'unauthorized');
    assert.deepEqual(await Promise.all(shared), ['admitted', 'admitted']);
    assert.deepEqual(compared, ['1', '3']);
  });

  it('turns away who would have to wait for too many others, or whose check fails', async () => {
    const { auth } = counting(() => Promise.reject(new Error('the thread died')));
    assert.equal(await auth.admit(basic('alice', 'x'), users), 'busy');
    const stuck = counting(() => new Promise(() => {}), { most: 2, mostPerClient: 1 }).auth;
    const admit = (password: string, client: string) => stuck.admit(basic('alice', password), users, client);
    // One is being checked, and one of each client waits.
    void admit('1', 'a');
    void admit('2', 'a');
    assert.equal(await admit('3', 'a'), 'busy');
    void admit('4', 'b');
    assert.equal(await admit('5', 'c'), 'busy');
  });
});

describe('parseBasic', () => {
  it('takes names and passwords in UTF-8, with colons in the password', () => {
    assert.deepEqual(parseBasic(basic('änne', 'a:b:ç')), { user: 'änne', password: 'a:b:ç' });
    assert.deepEqual(parseBasic(basic('a', 'b').replace('Basic', 'bAsIc  ')), { user: 'a', password: 'b' });
  });
});

describe('RateLimiter', () => {
  it('lets a burst through, then one more after each interval', () => {
    let now = 1000;
    const limiter = new RateLimiter({ intervalMs: 100, burst: 2 }, () => now);
    const take = () => limiter.take();
    assert.deepEqual([take(), take(), take()], [true, true, false]);
    now += 99;
    assert.equal(take(), false);
    now += 1;
    assert.deepEqual([take(), take()], [true, false]);
    now += 1e9;
    assert.deepEqual([take(), take(), take()], [true, true, false]);
  });
});

describe('subjectAltNames', () => {
  const cases: [string | undefined, string[]][] = [
    [undefined, []],
    ['', []],
    ['DNS:prometheus', ['prometheus']],
    [
      'DNS:a.example, IP Address:10.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe://x/y, email:a@b',
      ['a.example', '10.0.0.1', '2001:db8::1', 'spiffe://x/y', 'a@b'],
    ],
    // What would be taken for two names is quoted.
    ['DNS:"evil, DNS:admin", DNS:b', ['evil, DNS:admin', 'b']],
  ];
  for (const [subjectAltName, names] of cases) {
    it(String(subjectAltName), () => assert.deepEqual(subjectAltNames({ subjectAltName: subjectAltName! }), names));
  }
});
