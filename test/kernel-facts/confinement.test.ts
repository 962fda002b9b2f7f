import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfinement } from '../../src/kernel/confinement.ts';
import { FakeRoot } from './fake-root.ts';

test('what confines a process in a container', () => {
  using root = new FakeRoot();
  root.write('proc/self/status', 'Name:\tnode\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n');
  root.write('sys/kernel/security/lockdown', 'none [integrity] confidentiality\n');
  root.write('proc/self/uid_map', '         0     100000      65536\n');
  root.write(
    'proc/self/limits',
    'Max open files            1024     4096     files\nMax locked memory         65536    65536    bytes\n',
  );
  const expected = { seccomp: true, lockdown: 'integrity', userNamespace: true, lockedMemory: 65_536 };
  assert.deepEqual(readConfinement(root.path), expected);
});

test('what confines a process of the machine itself: nothing', () => {
  using root = new FakeRoot();
  const expected = { seccomp: false, lockdown: undefined, userNamespace: false, lockedMemory: Infinity };
  assert.deepEqual(readConfinement(root.path), expected);
  root.write('proc/self/status', 'Seccomp:\t0\n');
  root.write('sys/kernel/security/lockdown', '[none] integrity confidentiality\n');
  root.write('proc/self/uid_map', '         0          0 4294967295\n');
  root.write('proc/self/limits', 'Max locked memory         unlimited            unlimited            bytes\n');
  assert.deepEqual(readConfinement(root.path), expected);
});
