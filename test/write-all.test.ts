import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeAll } from '../src/write-all.ts';

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'write-all-'));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writing(path: string, flags: number, work: (fd: number) => void): void {
  const fd = openSync(path, flags);
  try {
    work(fd);
  } finally {
    closeSync(fd);
  }
}

test('writes the whole text', () => {
  inFolder((folder) => {
    const file = join(folder, 'file');
    const text = 'a line with µ\n'.repeat(100_000);
    writing(file, constants.O_WRONLY | constants.O_CREAT, (fd) => writeAll(fd, text));
    assert.equal(readFileSync(file, 'utf8'), text);
  });
});

test('throws where the disk is full', () => {
  writing('/dev/full', constants.O_WRONLY, (fd) => {
    assert.throws(() => writeAll(fd, 'text'), { code: 'ENOSPC', written: 0 });
  });
});

test('throws where nobody reads a pipe that does not block, and says how far it came', () => {
  inFolder((folder) => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    writing(pipe, constants.O_RDWR | constants.O_NONBLOCK, (fd) => {
      assert.throws(() => writeAll(fd, 'x'.repeat(1_000_000)), { code: 'EAGAIN', written: 65_536 });
    });
  });
});
