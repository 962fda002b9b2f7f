import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { MeterError } from '../../../src/errors.ts';
import type { LoadedObject } from '../../../src/libbpf/loaded.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { enableStats } from '../../../src/libbpf/stats.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import { callGetppid, getppid, wanted } from '../../fixtures/plan.ts';

function load(name: string): LoadedObject {
  using object = OpenedObject.open(compileFixture(name));
  for (const [constant, value] of wanted(getppid)) object.setConstant(constant, value);
  return object.load();
}

/** What loading throws. */
function failureOf(name: string): MeterError {
  try {
    load(name)[Symbol.dispose]();
  } catch (error) {
    return error as MeterError;
  }
  throw new Error(`${name} was loaded`);
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

test('statistics count the runs and their time until they are given up', () => {
  using object = load('every-map');
  using _link = object.attach('count_all');
  const before = object.programInfo('count_all');
  assert.match(before.tag, /^[0-9a-f]{16}$/);
  assert.ok(before.id > 0);
  const files = openFiles();
  const stats = enableStats();
  assert.equal(openFiles(), files + 1);
  callGetppid(997);
  stats[Symbol.dispose]();
  stats[Symbol.dispose]();
  // The kernel measures as long as anyone holds such a file.
  assert.equal(openFiles(), files);
  const after = object.programInfo('count_all');
  // Other system calls of this machine run the program too.
  assert.ok(after.runCount - before.runCount >= 997, `${after.runCount}`);
  assert.ok(after.runTimeNs - before.runTimeNs >= 997 * 10, `${after.runTimeNs}`);
  assert.equal(after.recursionMisses, before.recursionMisses);
});

test('a program that was left out has no information and cannot be attached', () => {
  using object = load('every-map');
  assert.equal(object.isLoaded('count_nothing'), false);
  assert.throws(() => object.programInfo('count_nothing'), { code: 'load', message: /count_nothing: not loaded/ });
  assert.throws(() => object.attach('count_nothing'), { code: 'attach', message: /program count_nothing: / });
});

test('what is not in the object is said by name, with what there is', () => {
  using object = load('sizes');
  assert.throws(() => object.map('nothing'), {
    code: 'map',
    message: /map "nothing": not in the object/,
    remedy: 'The object has large, large_percpu, large_array, small',
  });
  assert.throws(() => object.map('.bss.none'), { code: 'map' });
  assert.throws(() => object.attach('nobody'), { code: 'object', message: /program nobody: not in the object/ });
});

test('disposing closes every file descriptor, and a second time does nothing', () => {
  load('every-map')[Symbol.dispose]();
  const before = openFiles();
  const object = load('every-map');
  const link = object.attach('count_all');
  assert.ok(openFiles() > before);
  link[Symbol.dispose]();
  link[Symbol.dispose]();
  object[Symbol.dispose]();
  object[Symbol.dispose]();
  assert.equal(openFiles(), before);
  assert.throws(() => object.map('hash'), { message: /already closed/ });
});

test('closing an object with a larger section leaves the memory behind it alone', () => {
  const module = new URL('../../../src/libbpf/object.ts', import.meta.url).pathname;
  const script = `import { readFileSync } from 'node:fs';
import { OpenedObject } from '${module}';
const mapped = () => readFileSync('/proc/self/maps', 'latin1').match(/^\\w+-\\w+/gm)
  .map((range) => range.split('-').map((address) => parseInt(address, 16)))
  .reduce((sum, [from, to]) => sum + to - from, 0);
const object = OpenedObject.open(process.argv[1]);
object.resizeSection('.bss.alone', 3 << 20);
const before = mapped();
object[Symbol.dispose]();
console.log(before - mapped() < 1 << 20 ? 'only its own' : 'others too');`;
  // In a process of its own, since libraries lie within so many bytes. Older kernels take no element of more than 4 MiB.
  const options = ['--input-type=module', '-e', script, compileFixture('global-array')];
  const { stdout, stderr, signal } = spawnSync(process.execPath, options, { encoding: 'utf8' });
  assert.equal(signal, null);
  assert.equal(stdout, 'only its own\n', stderr);
});

test('an object that the verifier rejects says which line of the log counts and leaves no file open', () => {
  const before = openFiles();
  const error = failureOf('rejected');
  assert.equal(error.code, 'load');
  assert.match(
    error.message,
    /^.*rejected\.bpf\.o: EACCES \(permission denied\): the verifier says "R0 invalid mem access 'map_value_or_null'"$/,
    error.detail ?? error.message,
  );
  assert.match(error.detail ?? '', /BEGIN PROG LOAD LOG[\s\S]*call bpf_map_lookup_elem[\s\S]*END PROG LOAD LOG/);
  assert.equal(openFiles(), before);
});

test('without libbpf the error says what to install', () => {
  const module = new URL('../../../src/libbpf/library.ts', import.meta.url).pathname;
  // In a mount namespace of its own an empty file covers the library.
  const script = `for file in $(ldconfig -p | sed -n 's/.*libbpf\\.so\\.1 .*=> //p'); do mount --bind /dev/null "$(readlink -f "$file")"; done
exec "$0" --input-type=module -e 'import { libbpfVersion } from "${module}"; try { libbpfVersion() } catch (e) { console.log(e.code, e.message, e.remedy) }'`;
  const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script, process.execPath], { encoding: 'utf8' });
  assert.match(stdout, /^environment libbpf\.so\.1: .*file too short Install libbpf: apt-get install libbpf1/, stderr);
});
