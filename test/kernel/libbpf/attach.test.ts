import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { buildLoad } from '../../../bench/kernel/build.ts';
import type { LoadedObject } from '../../../src/libbpf/loaded.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { mapReaders } from '../../../src/maps/readers.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import { until } from '../../helpers/deadline.ts';
import { hasXdp, veth } from '../programs/veth.ts';

const members = ['by_interface', 'by_operator', 'iterated', 'sessions', 'stopped'] as const;

function load(stopAfter?: number): LoadedObject {
  using object = OpenedObject.open(compileFixture('attach-kinds'));
  if (stopAfter !== undefined) object.setConstant('stop_after', stopAfter);
  return object.load();
}

function calls(object: LoadedObject): Record<(typeof members)[number], number> {
  using readers = mapReaders(object);
  const memory = readers.memory('.bss').read();
  const numbers = new BigUint64Array(memory.buffer, memory.byteOffset, members.length);
  return Object.fromEntries(members.map((name, index) => [name, Number(numbers[index])])) as ReturnType<typeof calls>;
}

test('an iterator is called for every object, each time that it is asked to', () => {
  using object = load();
  using link = object.attach('dump_tasks');
  assert.deepEqual(calls(object), { by_interface: 0, by_operator: 0, iterated: 0, sessions: 0, stopped: 0 });
  link.iterate!();
  const { iterated, sessions } = calls(object);
  // Threads come and go, but this process has several, and there are others.
  const threads = readdirSync('/proc/self/task').length;
  assert.ok(iterated > threads, `${iterated} tasks, of which ${threads} are here`);
  assert.equal(sessions, 1);
  link.iterate!();
  assert.equal(calls(object).sessions, 2);
  assert.ok(calls(object).iterated > iterated);
});

test('an iterator ends where its program returns 1, however often the kernel is asked to go on', () => {
  using object = load(5);
  using link = object.attach('dump_tasks');
  link.iterate!();
  const { iterated, sessions, stopped } = calls(object);
  assert.deepEqual({ iterated, sessions }, { iterated: 5, sessions: 1 });
  assert.ok(stopped >= 1 && stopped <= 8);
});

test('a program is attached to the interface that its section names', async () => {
  execFileSync('ip', ['link', 'add', 'ebm-named', 'type', 'veth', 'peer', 'name', 'ebm-other']);
  try {
    for (const name of ['ebm-named', 'ebm-other'])
      execFileSync('ip', ['link', 'set', name, 'up', 'addrgenmode', 'none']);
    using object = load();
    {
      using link = object.attach('by_interface');
      assert.equal(link.problem, undefined);
      assert.ok(hasXdp('ebm-named'));
      execFileSync(buildLoad('network'), ['frame', '13', 'ebm-other', '0']);
      await until(() => calls(object).by_interface >= 13);
      assert.ok(calls(object).by_interface >= 13);
    }
    assert.ok(!hasXdp('ebm-named'));
  } finally {
    execFileSync('ip', ['link', 'delete', 'ebm-named']);
  }
  using object = load();
  assert.throws(() => object.attach('by_interface'), {
    code: 'attach',
    message: /program by_interface: ENODEV .*: interface "ebm-named": there is none$/,
    remedy: /as `ip link` shows them/,
  });
});

test('an interface that is missing costs the others nothing', async () => {
  using pair = veth();
  const [one, other] = pair.names;
  using object = load();
  using link = object.attach('by_operator', undefined, ['ebm-missing', one]);
  assert.match(link.problem!.message, /interface "ebm-missing": there is none$/);
  assert.ok(hasXdp(one));
  execFileSync(buildLoad('network'), ['frame', '17', other, '0']);
  await until(() => calls(object).by_operator >= 17);
  assert.equal(calls(object).by_operator, 17);
});
