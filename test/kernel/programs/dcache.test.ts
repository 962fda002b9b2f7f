import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from './counting.ts';
import { fileSystem, noFunctions } from './file-system.ts';
import { hold } from './held.ts';

const names = 997;

async function counted(folder: string, way: string, command: string): Promise<number[]> {
  const shell = hold(`i=0; while [ $i -lt ${names} ]; do ${command}; i=$((i+1)); done`, [], folder);
  using dcache = count('dcache', {
    constants: { only_tgid: shell.pid },
    ways: { lookup_fast: way, lookup_slow: way, d_lookup: way },
  });
  await shell.run();
  const metrics = ['dcache.lookups', 'dcache.slow_lookups', 'dcache.misses'];
  return await Promise.all(metrics.map(async (metric) => (await dcache.numbers(metric)).get('')!));
}

for (const way of ['fentry', 'kprobe']) {
  test(`names are looked up in the directory cache, and asked of the file system once: by ${way}`, {
    skip: noFunctions,
  }, async () => {
    using fs = fileSystem('ext4');
    const run = (command: string) => counted(fs.folder, way, command);
    assert.deepEqual(await run('[ -e new$i ]'), [names, names, 0], 'names that were never asked for');
    assert.deepEqual(await run('[ -e new$i ]'), [names, 0, 0], 'that there is no such file is kept');
    // Kernels differ in whether they look into the cache without a lock before they open a file that may be new.
    const [, slow, misses] = await run(': >created$i');
    assert.deepEqual([slow, misses], [0, names], 'new files');
    assert.deepEqual(await run('[ -e created$i ]'), [names, 0, 0], 'files that are there');
  });
}
