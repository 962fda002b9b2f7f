import assert from 'node:assert/strict';
import { test } from 'node:test';
import { libbpf, libbpfVersion } from '../../src/libbpf/library.ts';

test('the version', () => assert.match(libbpfVersion(), /^v1\.\d+/));

test('a function that this libbpf lacks fails when it is called, with its name', () => {
  const missing = libbpf<() => number>('int bpf_object__from_the_future(void *object)');
  assert.throws(() => missing(), {
    code: 'environment',
    message: /^bpf_object__from_the_future: not in this libbpf \(v1\.\d+\)$/,
    remedy: 'Install a newer libbpf',
  });
});
