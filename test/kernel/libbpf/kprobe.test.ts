import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { createFunctionNames } from '../../../src/kernel/functions.ts';
import type { LoadedObject } from '../../../src/libbpf/loaded.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { mapReaders } from '../../../src/maps/readers.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import { callGetppid } from '../../fixtures/plan.ts';

const skip = !existsSync('/sys/bus/event_source/devices/kprobe') && 'this kernel has no kprobes';
const prefix = process.arch === 'arm64' ? '__arm64_sys_' : '__x64_sys_';

function load(): LoadedObject {
  using object = OpenedObject.open(compileFixture('probes'));
  object.setConstant('wanted_pid', process.pid);
  return object.load();
}

function calls(object: LoadedObject): number[] {
  using readers = mapReaders(object);
  const bytes = readers.memory('.bss').read();
  return [...new BigUint64Array(bytes.buffer, bytes.byteOffset, 2)].map(Number);
}

test('what the kernel has only clones of is probed at all of them, until it is disposed', { skip }, () => {
  using object = load();
  const asked: string[] = [];
  const clones = [`${prefix}getppid`, `${prefix}getuid`];
  const kernel = {
    functionVariants(name: string) {
      asked.push(name);
      return clones;
    },
  };
  const links = [object.attach('entered', kernel), object.attach('left', kernel)];
  assert.deepEqual(asked, ['no_such_function', 'no_such_function']);
  callGetppid(97);
  for (let call = 0; call < 11; call++) process.getuid!();
  assert.deepEqual(calls(object), [108, 108]);
  for (const link of links) link[Symbol.dispose]();
  callGetppid(7);
  assert.deepEqual(calls(object), [108, 108]);
});

test('one clone that cannot be probed is an error, and leaves none probed', { skip }, () => {
  using object = load();
  const functionVariants = () => [`${prefix}getppid`, 'no_such_function.isra.0'];
  assert.throws(() => object.attach('entered', { functionVariants }), { code: 'attach', message: /entered: ENOENT/ });
  callGetppid(7);
  assert.deepEqual(calls(object), [0, 0]);
});

test('without clones the error is that of the function itself', { skip }, () => {
  using object = load();
  assert.throws(() => object.attach('entered'), { code: 'attach', message: /entered: ENOENT/ });
});

test("the kernel's functions are known by name", () => {
  using functions = createFunctionNames();
  assert.equal(functions.has(`${prefix}getppid`), true);
  assert.equal(functions.has('no_such_function'), false);
  assert.deepEqual(functions.variants('no_such_function'), []);
});
