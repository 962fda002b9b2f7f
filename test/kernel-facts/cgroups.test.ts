import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CgroupEvent, type Cgroups, createCgroups } from '../../src/kernel/cgroups.ts';
import { FakeRoot } from './fake-root.ts';

/** Events that a test says. */
class SaidEvents {
  pending: CgroupEvent[] = [];
  lost = false;
  taken = 0;

  take() {
    const result = { events: this.pending, lost: this.lost };
    this.pending = [];
    this.lost = false;
    this.taken++;
    return result;
  }

  say(id: bigint, path: string, removed = false): void {
    this.pending.push({ id, path, removed });
  }
}

const mounts = (point: string) =>
  `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n41 31 0:38 / ${point} rw,relatime shared:9 - cgroup2 cgroup2 rw\n`;

class Machine implements Disposable {
  readonly #root = new FakeRoot();
  readonly events = new SaidEvents();
  readonly warnings: string[] = [];
  readonly point: string;
  now = 0;

  constructor(point = '/sys/fs/cgroup') {
    this.point = point;
    this.#root.write('proc/self/mountinfo', mounts(point.replace(' ', '\\040')));
    this.make('');
  }

  /** Of the mount. */
  get folder(): string {
    return join(this.#root.path, this.point);
  }

  make(path: string): bigint {
    const folder = join(this.folder, path);
    mkdirSync(folder, { recursive: true });
    return statSync(folder, { bigint: true }).ino;
  }

  remove(path: string): void {
    this.#root.remove(join(this.point, path));
  }

  /** `whole`: the mount begins at the hierarchy's root. */
  cgroups({ events = true, whole = true } = {}): Cgroups {
    return createCgroups({
      root: this.#root.path,
      rootId: whole ? this.make('') : 1n,
      events: events ? this.events : undefined,
      now: () => this.now,
      warn: ({ message }) => this.warnings.push(message),
    });
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }
}

/** Those of the ids that are gone. */
const gone = (cgroups: Cgroups, ids: readonly bigint[]) => ids.filter((id) => cgroups.goneFor(id) !== undefined);

test('what is there has the path of its folder, the root that of the mount', () => {
  using machine = new Machine();
  const slice = machine.make('system.slice');
  const service = machine.make('system.slice/été.service');
  const cgroups = machine.cgroups();
  assert.equal(cgroups.path(machine.make('')), '/sys/fs/cgroup');
  assert.equal(cgroups.path(slice), '/sys/fs/cgroup/system.slice');
  assert.equal(cgroups.path(service), '/sys/fs/cgroup/system.slice/été.service');
  assert.deepEqual(machine.warnings, []);
  assert.deepEqual(gone(cgroups, [machine.make(''), slice, service]), []);
});

for (const [point, prefix] of [
  ['/sys/fs/cgroup/unified', '/sys/fs/cgroup/unified'],
  ['/host/cgroup 2', '/sys/fs/cgroup'],
  ['/sys/fs/cgroups', '/sys/fs/cgroup'],
] as const) {
  test(`mounted at ${point}, names begin with ${prefix}`, () => {
    using machine = new Machine(point);
    const slice = machine.make('a.slice');
    const cgroups = machine.cgroups();
    machine.events.say(7n, '/b.slice/c');
    assert.equal(cgroups.path(slice), `${prefix}/a.slice`);
    assert.equal(cgroups.path(7n), `${prefix}/b.slice/c`);
  });
}

test('one that came and went between two readings has its name, as has one that went later', () => {
  using machine = new Machine();
  const slice = machine.make('a.slice');
  const cgroups = machine.cgroups();
  cgroups.update();
  machine.events.say(7n, '/short', true);
  machine.events.say(slice, '/a.slice', true);
  machine.now = 5;
  cgroups.update();
  assert.equal(cgroups.path(7n), '/sys/fs/cgroup/short');
  assert.equal(cgroups.path(slice), '/sys/fs/cgroup/a.slice');
  assert.deepEqual(gone(cgroups, [machine.make(''), 7n, slice]), [7n, slice]);
  machine.now = 12;
  assert.equal(cgroups.goneFor(slice), 7);
  assert.equal(cgroups.goneFor(8n), undefined);
});

test('an id that is given to another cgroup is the other from then on, and not gone', () => {
  using machine = new Machine();
  const cgroups = machine.cgroups();
  machine.events.say(7n, '/old', true);
  cgroups.update();
  machine.events.say(7n, '/new');
  assert.equal(cgroups.path(7n), '/sys/fs/cgroup/old');
  const changes = cgroups.changes();
  cgroups.update();
  assert.equal(cgroups.path(7n), '/sys/fs/cgroup/new');
  assert.equal(cgroups.changes(), changes + 1);
  machine.events.say(8n, '/another');
  cgroups.update();
  assert.equal(cgroups.changes(), changes + 1);
  assert.deepEqual(gone(cgroups, [machine.make(''), 7n, 8n]), []);
});

test('when events were lost it looks again: what it knew and doesn’t find is gone, what it finds has a name', () => {
  using machine = new Machine();
  const old = machine.make('old');
  const stays = machine.make('stays');
  const cgroups = machine.cgroups();
  cgroups.update();
  const fresh = machine.make('fresh/inner');
  machine.remove('old');
  machine.events.lost = true;
  machine.events.say(99n, '/seen', true);
  cgroups.update();
  assert.equal(cgroups.path(old), '/sys/fs/cgroup/old');
  assert.equal(cgroups.path(fresh), '/sys/fs/cgroup/fresh/inner');
  assert.equal(cgroups.path(stays), '/sys/fs/cgroup/stays');
  assert.deepEqual(gone(cgroups, [old, fresh, stays, 99n]), [old, 99n]);
});

test('an id that is nowhere is gone where all is in view, and only unknown where it isn’t', () => {
  using machine = new Machine();
  const whole = machine.cgroups();
  assert.equal(whole.path(12345n), undefined);
  assert.deepEqual(gone(whole, [machine.make(''), 12345n]), [12345n]);
  assert.deepEqual(machine.warnings, []);

  const own = machine.make('own');
  const part = machine.cgroups({ whole: false });
  assert.equal(part.path(12345n), undefined);
  assert.equal(part.path(own), '/sys/fs/cgroup/own');
  assert.deepEqual(gone(part, [own, 12345n]), []);
  machine.events.lost = true;
  part.update();
  assert.equal(machine.warnings.length, 1);
  assert.match(machine.warnings[0]!, /^cgroup names: only a part of the cgroups is mounted/);
});

test('without events it looks when an id is new, at most once a second, and once a minute for those that are gone', () => {
  using machine = new Machine();
  const old = machine.make('old');
  const cgroups = machine.cgroups({ events: false });
  assert.equal(cgroups.path(old), '/sys/fs/cgroup/old');
  const fresh = machine.make('fresh');
  machine.now = 999;
  assert.equal(cgroups.path(fresh), undefined);
  assert.equal(cgroups.goneFor(fresh), undefined);
  machine.now = 1000;
  assert.equal(cgroups.path(fresh), '/sys/fs/cgroup/fresh');
  assert.deepEqual(gone(cgroups, [old, fresh]), []);
  machine.remove('old');
  machine.now = 60_999;
  cgroups.update();
  assert.deepEqual(gone(cgroups, [old, fresh]), []);
  machine.now = 61_000;
  cgroups.update();
  assert.deepEqual(gone(cgroups, [old, fresh]), [old]);
  assert.equal(cgroups.path(old), '/sys/fs/cgroup/old');
});

test('events that can’t be read are lost, which is said once, and names come from looking', () => {
  using machine = new Machine();
  const cgroups = machine.cgroups();
  machine.events.take = () => {
    throw new Error('EPERM');
  };
  for (const name of ['one', 'two']) assert.equal(cgroups.path(machine.make(name)), `/sys/fs/cgroup/${name}`);
  const said = "cgroup names: what came and went can't be read, so that all are looked at instead: EPERM";
  assert.deepEqual(machine.warnings, [said]);
});

test('of those that are gone 8192 are remembered', () => {
  using machine = new Machine();
  const cgroups = machine.cgroups();
  const ids = Array.from({ length: 8193 }, (_, i) => 1_000_000n + BigInt(i));
  for (const id of ids) machine.events.say(id, `/${id}`, true);
  cgroups.update();
  assert.deepEqual(gone(cgroups, ids), ids.slice(1));
  assert.equal(cgroups.path(1_000_001n), '/sys/fs/cgroup/1000001');
  assert.equal(cgroups.path(1_000_000n), undefined);
});

test('without a cgroup of version 2 nothing is known, and that is said once', () => {
  using root = new FakeRoot();
  const warnings: string[] = [];
  const cgroups = createCgroups({ root: root.path, warn: ({ message }) => warnings.push(message) });
  cgroups.update();
  assert.equal(cgroups.path(1n), undefined);
  assert.deepEqual(warnings, ['cgroup names: no cgroup of version 2 is mounted, so that some stay unknown']);
  assert.deepEqual(gone(cgroups, [1n]), []);
});

test('who watches is told what is there, then what comes and goes, each once', () => {
  using machine = new Machine();
  const slice = machine.make('a.slice');
  const cgroups = machine.cgroups();
  cgroups.update();
  const seen: [bigint, string | undefined][] = [];
  cgroups.watch((id, path) => seen.push([id, path]));
  assert.deepEqual(
    seen.filter(([id]) => id === slice),
    [[slice, '/sys/fs/cgroup/a.slice']],
  );
  seen.length = 0;
  for (const removed of [false, false, true, true]) {
    machine.events.say(7n, '/later', removed);
    cgroups.update();
  }
  // It came and went in between.
  machine.events.say(8n, '/short', true);
  machine.events.lost = true;
  machine.remove('a.slice');
  cgroups.update();
  assert.deepEqual(seen, [
    [7n, '/sys/fs/cgroup/later'],
    [7n, undefined],
    [slice, undefined],
  ]);
});

/** Makes folders whose path is longer than the kernel takes; returns their first's path. */
function makeTooDeep(folder: string): string {
  const name = 'd'.repeat(250);
  const back = process.cwd();
  process.chdir(folder);
  try {
    for (let level = 0; level < 17; level++) {
      mkdirSync(name);
      process.chdir(name);
    }
  } finally {
    process.chdir(back);
  }
  return join(folder, name);
}

test('what a look can’t see all of takes nothing for gone, says so once, and is repeated', () => {
  using machine = new Machine();
  const old = machine.make('old');
  const cgroups = machine.cgroups();
  cgroups.update();
  const tooDeep = makeTooDeep(machine.folder);
  machine.remove('old');
  machine.events.lost = true;
  cgroups.update();
  assert.deepEqual(gone(cgroups, [old]), []);
  assert.equal(cgroups.path(12345n), undefined);
  assert.deepEqual(gone(cgroups, [old, 12345n]), [], 'what was not found may be where it could not look');
  machine.events.lost = true;
  cgroups.update();
  assert.equal(machine.warnings.length, 1);
  assert.match(machine.warnings[0]!, /^cgroup names: not all cgroups can be looked at, .*ENAMETOOLONG/);
  execFileSync('rm', ['-rf', tooDeep]);
  machine.now = 59_999;
  cgroups.update();
  assert.deepEqual(gone(cgroups, [old]), []);
  machine.now = 60_000;
  cgroups.update();
  assert.deepEqual(gone(cgroups, [old]), [old]);
});

test('a listener that throws keeps nobody from the names', () => {
  using machine = new Machine();
  const cgroups = machine.cgroups();
  const seen: string[] = [];
  cgroups.watch((_, path) => {
    if (path?.endsWith('/bad') === true) throw new Error('the kernel said no');
  });
  cgroups.watch((_, path) => void seen.push(path ?? 'gone'));
  const bad = machine.make('bad');
  const good = machine.make('good');
  cgroups.update();
  assert.equal(cgroups.path(bad), '/sys/fs/cgroup/bad');
  assert.equal(cgroups.path(good), '/sys/fs/cgroup/good');
  assert.deepEqual(seen.sort(), ['/sys/fs/cgroup', '/sys/fs/cgroup/bad', '/sys/fs/cgroup/good']);
});
