import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readTlsFiles } from '../src/readers/tls-files.ts';
import { readUserFile, refusePipe } from '../src/user-file.ts';

let folder = '';
let pipe = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-user-file-'));
  pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
});
after(() => rmSync(folder, { recursive: true }));

test('a file is read, a pipe is not waited for', () => {
  const file = join(folder, 'file');
  writeFileSync(file, 'été');
  assert.equal(readUserFile(file).toString(), 'été');
  assert.equal(readUserFile('/dev/null').length, 0);
  assert.throws(() => readUserFile(pipe), { message: 'a pipe, not a file' });
  assert.throws(() => refusePipe(pipe), { message: 'a pipe, not a file' });
  assert.throws(() => readUserFile(join(folder, 'none')), { code: 'ENOENT' });
  assert.throws(() => readUserFile(folder), { code: 'EISDIR' });
});

test('nor is one that is named for TLS', () => {
  const tls = { insecure: undefined, caFile: pipe, keyFile: undefined, certFile: undefined };
  assert.throws(() => readTlsFiles(tls), { code: 'reader', message: `CA certificate "${pipe}": a pipe, not a file` });
});
