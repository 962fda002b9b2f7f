import assert from 'node:assert/strict';
import { arch, hostname } from 'node:os';
import { test } from 'node:test';
import { detectResource } from '../../src/exporter/detect-resource.ts';

test('nothing is detected unless it is asked for', async () => {
  assert.deepEqual(await detectResource(undefined), { attributes: {}, errors: [] });
  assert.deepEqual(await detectResource({ detectors: ['service'], attributes: {} }), { attributes: {}, errors: [] });
});

test('the host with its operating system', async () => {
  const { attributes, errors } = await detectResource({ detectors: ['host'], attributes: {} });
  assert.deepEqual(errors, []);
  assert.equal(attributes['host.name'], hostname());
  assert.equal(attributes['host.arch'], arch() === 'x64' ? 'amd64' : arch());
  assert.equal(attributes['os.type'], 'linux');
  assert.equal(attributes['process.pid'], undefined);
});

test('the process, of which only some attributes are wanted', async () => {
  const attributes = { included: ['process.*'], excluded: ['process.command*', 'process.runtime.?*'] };
  const { attributes: found } = await detectResource({ detectors: ['process', 'os'], attributes });
  assert.equal(found['process.pid'], process.pid);
  assert.deepEqual(
    Object.keys(found).filter((name) => !name.startsWith('process.') || /command|runtime/.test(name)),
    [],
  );
});

test('a container is found where there is one, and is no error where there is none', async () => {
  const { attributes, errors } = await detectResource({ detectors: ['container'], attributes: {} });
  assert.deepEqual(errors, []);
  assert.deepEqual(
    Object.keys(attributes).filter((name) => name !== 'container.id'),
    [],
  );
});
