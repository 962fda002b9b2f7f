import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeAll, writerTo } from '../src/write-all.ts';

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

test('of a pipe that blocks and nobody reads, a text is refused rather than waited with, and room is used again', () => {
  inFolder((folder) => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    writing(pipe, constants.O_RDWR, (fd) => {
      const write = writerTo(fd);
      assert.throws(() => write('x'.repeat(65_536 + 4096)), { code: 'EAGAIN', written: 65_536 });
      for (let text = 0; text < 10; text++) assert.throws(() => write('y'), { code: 'EAGAIN', written: 0 });
      assert.equal(readSync(fd, Buffer.alloc(65_536)), 65_536);
      write('z');
      assert.equal(readSync(fd, Buffer.alloc(65_536)), 1);
    });
  });
});

test('what is no pipe is written to as it is', () => {
  inFolder((folder) => {
    const file = join(folder, 'file');
    writing(file, constants.O_WRONLY | constants.O_CREAT, (fd) => {
      const write = writerTo(fd);
      write('one\n');
      // Whoever else has the descriptor goes on behind it.
      writeSync(fd, 'two\n');
      write('three\n');
    });
    assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\nthree\n');
  });
});
