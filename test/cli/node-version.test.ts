import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireNode } from '../../src/cli/node-version.ts';

test('a Node.js that is older than what package.json asks for is told in a sentence', () => {
  for (const version of ['20.20.2', '23.11.1']) {
    const message = `Node.js ${version}: too old, ebpf-meter needs 24 or newer`;
    assert.throws(() => requireNode(version, '>=24'), { name: 'MeterError', code: 'environment', message });
  }
  assert.throws(() => requireNode('9.0.0'), { code: 'environment' });
  for (const version of ['24.0.0', '26.10.0', '100.0.0']) requireNode(version, '>=24');
  requireNode(process.versions.node);
});
