import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ProgramPlan } from '../../../src/config/plan.ts';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { loadProgram } from '../../../src/programs/load.ts';
import type { RunningProgram } from '../../../src/programs/running.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import { callGetppid, fixturePlan } from '../../fixtures/plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'load-'));
after(() => rmSync(folder, { recursive: true }));

const cpus = possibleCpus().indexes;

function run(plan: ProgramPlan): RunningProgram {
  return loadProgram(plan, OpenedObject.open(plan.object!));
}

function states(program: RunningProgram): Record<string, string> {
  return Object.fromEntries(program.attached.map(({ bpfProgram, state }) => [bpfProgram, state]));
}

function words(program: RunningProgram, map: string): number[] {
  const bytes = program.readers.memory(map).read();
  return [...new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)].map(Number);
}

test('what is attached counts until it is disposed', () => {
  const before = Date.now();
  const files = readdirSync('/proc/self/fd').length;
  const program = run(fixturePlan('every-map', { perCpuFirst: ['by_cpu'] }));
  assert.deepEqual(states(program), { count_all: 'attached', count_nothing: 'not loaded' });
  assert.deepEqual(program.lost, []);
  assert.equal(program.attached[0]?.section, 'tp_btf/sys_enter');
  const [seconds, nanoseconds] = program.startTime;
  assert.ok(seconds * 1000 + nanoseconds / 1e6 >= before && seconds * 1000 + nanoseconds / 1e6 <= Date.now());
  callGetppid(997);
  assert.equal(words(program, 'by_cpu').length, cpus * 5);
  assert.equal(
    words(program, 'by_cpu').reduce((sum, count) => sum + count),
    997,
  );
  assert.match(program.info('count_all')?.tag ?? '', /^[0-9a-f]{16}$/);
  assert.equal(program.info('count_nothing'), undefined);
  program[Symbol.dispose]();
  program[Symbol.dispose]();
  assert.equal(readdirSync('/proc/self/fd').length, files);
});

test('what no metric needs is not loaded', () => {
  using program = run(fixturePlan('every-map', { skip: new Set(['count_all']) }));
  assert.deepEqual(states(program), { count_all: 'not loaded', count_nothing: 'not loaded' });
  callGetppid(97);
  assert.equal(program.readers.entries('hash').read().count, 0);
});

test('programs that fail do not stop the others, and say why', () => {
  const needs = new Map([
    ['counted', { programs: ['accepted'], any: [] }],
    ['half', { programs: ['accepted', 'unchecked'], any: [] }],
    ['any', { programs: undefined, any: [] }],
  ]);
  using program = run(fixturePlan('rejected', { needs }));
  assert.deepEqual(states(program), {
    accepted: 'attached',
    unchecked: 'failed',
    unknown_hook: 'failed',
    unknown_event: 'failed',
  });
  assert.deepEqual(program.lost, ['half']);
  callGetppid(997);
  assert.equal(words(program, '.bss')[0], 997);
  const [accepted, unchecked, hook, event] = program.attached.map(({ error }) => error);
  assert.equal(accepted, undefined);
  assert.equal(
    unchecked?.message,
    'rejected: unchecked: EACCES (permission denied): the verifier says "R0 invalid mem access \'map_value_or_null\'"',
  );
  assert.equal(unchecked?.code, 'load');
  assert.match(unchecked?.detail ?? '', /BEGIN PROG LOAD LOG/);
  assert.match(hook?.message ?? '', /^rejected: unknown_hook: ESRCH .*no_such_tracepoint/);
  assert.match(hook?.remedy ?? '', /lacks "tp_btf\/no_such_tracepoint"/);
  assert.equal(event?.code, 'attach');
  // Whichever of the two this machine has.
  if (existsSync('/sys/kernel/tracing/events')) assert.match(event?.message ?? '', /^rejected: unknown_event: ENOENT/);
  else assert.equal(event?.remedy, 'Mount it: mount -t tracefs tracefs /sys/kernel/tracing');
});

test('when every program fails, every metric is lost, and the maps are there nevertheless', () => {
  const needs = new Map([
    ['named', { programs: ['unchecked'], any: [] }],
    ['any', { programs: undefined, any: [] }],
  ]);
  using program = run(fixturePlan('rejected', { skip: new Set(['accepted']), needs }));
  assert.deepEqual(Object.values(states(program)), ['not loaded', 'failed', 'failed', 'failed']);
  assert.deepEqual(program.lost, ['named', 'any']);
  assert.equal(program.readers.entries('table').read().count, 0);
});

test('a global array with a section of its own is resized to the CPUs, and what is long enough is left', () => {
  const files = readdirSync('/proc/self/fd').length;
  const program = run(fixturePlan('global-array', { perCpuFirst: ['alone', 'large_enough'] }));
  assert.equal(program.readers.memory('.bss.alone').size, cpus * 4 * 8);
  callGetppid(997);
  const alone = words(program, '.bss.alone');
  assert.equal(
    alone.reduce((sum, count) => sum + count),
    997,
  );
  assert.equal(
    alone.filter((_, index) => index % 4 === 3).reduce((sum, count) => sum + count),
    997,
  );
  const large = words(program, '.bss').slice(0, 1024);
  assert.equal(
    large.reduce((sum, count) => sum + count),
    997,
  );
  program[Symbol.dispose]();
  assert.equal(readdirSync('/proc/self/fd').length, files);
});

for (const [name, changes, code, message] of [
  [
    'an array that is too short for the CPUs',
    { perCpuFirst: ['too_small'] },
    'load',
    new RegExp(`"too_small" has a length of 1, and this machine may have ${cpus} CPUs`),
  ],
  ['an array that is not there', { perCpuFirst: ['nothing'] }, 'config', /"nothing" is no array/],
  [
    'a constant that is not there',
    { constants: new Map([['nothing', 1]]) },
    'config',
    /constant nothing: not in the object/,
  ],
  ['a constant that does not fit', { constants: new Map([['wanted_pid', -1]]) }, 'config', /-1 is not within 0 and/],
  ['a program that is not there', { skip: new Set(['nobody']) }, 'object', /program nobody: not in the object/],
] as const) {
  test(`the whole object fails: ${name}`, () => {
    const files = readdirSync('/proc/self/fd').length;
    assert.throws(() => run(fixturePlan('global-array', changes)), { code, message });
    assert.equal(readdirSync('/proc/self/fd').length, files);
  });
}

for (const [name, fixture, changes] of [
  ['an object', 'rejected', '{}'],
  ['an object with a section to resize', 'global-array', "{ perCpuFirst: ['alone'] }"],
] as const) {
  test(`without rights the error names the capabilities: ${name}`, () => {
    const object = join(folder, `${fixture}.bpf.o`);
    copyFileSync(compileFixture(fixture), object);
    chmodSync(folder, 0o755);
    const script = join(folder, 'unprivileged.mjs');
    const source = (path: string): string => JSON.stringify(new URL(path, import.meta.url).pathname);
    // Modules are read before the rights are dropped: others may not reach the clone.
    writeFileSync(
      script,
      `import { OpenedObject } from ${source('../../../src/libbpf/object.ts')};
import { libbpfVersion } from ${source('../../../src/libbpf/library.ts')};
import { loadProgram } from ${source('../../../src/programs/load.ts')};
libbpfVersion();
process.setgroups([]);
process.setgid(65534);
process.setuid(65534);
const plan = { name: 'some', object: ${JSON.stringify(object)}, constants: new Map(), hooks: [], skip: new Set(), skipMaps: new Set(), needs: new Map(), perCpuFirst: [], filled: [], interfaces: [], ...${changes} };
const opened = OpenedObject.open(plan.object);
console.log('opened', opened.layout().programs.length > 0);
try {
  loadProgram(plan, opened);
} catch (error) {
  console.log(error.code, error.message);
  console.log(error.remedy);
}`,
    );
    const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    assert.equal(
      stdout,
      'opened true\nload some: EPERM: CAP_BPF and CAP_PERFMON are missing\nRun as root, or give the process CAP_BPF and CAP_PERFMON\n',
      stderr,
    );
  });
}

test('what the definition of a map lacks is named', () => {
  assert.throws(() => run(fixturePlan('incomplete', { constants: new Map() })), {
    code: 'load',
    message: /incomplete\.bpf\.o: map "halfway": EINVAL: it has no value \(or value_size\), max_entries$/,
    remedy: /^Define it in C, such as __uint\(max_entries, 1024\)/,
  });
});
