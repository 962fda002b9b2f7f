import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from './counting.ts';
import { fileSystem, noFunctions } from './file-system.ts';
import { hold } from './held.ts';

const names = 997;

async function counted(folder: string, command: string): Promise<number[]> {
  const shell = hold(`i=0; while [ $i -lt ${names} ]; do ${command}; i=$((i+1)); done`, [], folder);
  using dcache = count('dcache', { constants: { only_tgid: shell.pid } });
  await shell.run();
  const metrics = ['dcache.lookups', 'dcache.slow_lookups', 'dcache.misses'];
  return await Promise.all(metrics.map(async (metric) => (await dcache.numbers(metric)).get('')!));
}

test('names are looked up in the directory cache, and asked of the file system once', {
  skip: noFunctions,
}, async () => {
  using fs = fileSystem('ext4');
  assert.deepEqual(await counted(fs.folder, '[ -e new$i ]'), [names, names, 0], 'names that were never asked for');
  assert.deepEqual(await counted(fs.folder, '[ -e new$i ]'), [names, 0, 0], 'that there is no such file is kept');
  // Only since then is the cache looked into without a lock before a file is opened that may have to be created.
  const [, slow, misses] = await counted(fs.folder, ': >created$i');
  assert.deepEqual([slow, misses], [0, names], 'new files');
  assert.deepEqual(await counted(fs.folder, '[ -e created$i ]'), [names, 0, 0], 'files that are there');
});
