import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { codeMappings, dropCode } from '../../src/libbpf/drop-code.ts';

const mapping = (head: string, anonymous: number) =>
  `${head}\nSize: 8 kB\nRss: 8 kB\nAnonymous:  ${anonymous} kB\nVmFlags: rd ex\n`;

describe('codeMappings', () => {
  it('takes code and constants of files in which nothing was changed', () => {
    const smaps = [
      mapping('7f0000000000-7f0000002000 r-xp 00001000 fe:00 17                         /usr/bin/node (deleted)', 0),
      mapping('7f0000002000-7f0000003000 r--p 00003000 fe:00 17                         /usr/bin/node', 0),
      mapping('7f0000003000-7f0000004000 r--p 00004000 fe:00 17                         /usr/bin/node', 4),
      mapping('7f0000004000-7f0000005000 rw-p 00004000 fe:00 17                         /usr/bin/node', 0),
      mapping('7f0000005000-7f0000006000 rwxp 00000000 00:00 0 ', 0),
      mapping('7f0000006000-7f0000007000 r-xp 00000000 00:00 0                          [vdso]', 0),
      mapping('7f0000007000-7f0000008000 r-xp 00000000 00:00 0 ', 0),
      mapping('7f0000008000-7f0000009000 r--s 00000000 00:00 9                          /dev/shm/x', 0),
    ].join('');
    assert.deepEqual(codeMappings(smaps), [
      { start: 0x7f0000000000n, end: 0x7f0000002000n },
      { start: 0x7f0000002000n, end: 0x7f0000003000n },
    ]);
  });

  it('finds those of this process, which goes on without them', () => {
    const residentFile = () => Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    assert.ok(codeMappings(readFileSync('/proc/self/smaps', 'utf8')).length > 2);
    const before = residentFile();
    dropCode();
    assert.ok(residentFile() < before / 2, `${residentFile()} of ${before} kB`);
    assert.equal(JSON.parse(JSON.stringify({ a: [1, 'ü'] })).a[1], 'ü');
  });
});
