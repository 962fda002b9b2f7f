import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Log } from '../src/log.ts';
import type { LogFormat, LogLevel } from '../src/log-settings.ts';

function logged(format: LogFormat, level: LogLevel, work: (log: Log) => void): string[] {
  const entries: string[] = [];
  work(new Log({ format, level, write: (text) => entries.push(text), now: () => new Date(1_700_000_000_123) }));
  return entries;
}

const time = '2023-11-14T22:13:20.123Z';

describe('log: text', () => {
  it('writes time, level, message and fields', () => {
    assert.deepEqual(
      logged('text', 'debug', (log) => {
        log.error('broken');
        log.warn('odd', { map: 'calls', count: 3, nothing: undefined });
        log.info('fine', { path: '/a b', quoted: 'say "x"', empty: '' });
        log.debug('detail');
      }),
      [
        `${time} ERROR broken\n`,
        `${time} WARN  odd map=calls count=3\n`,
        `${time} INFO  fine path="/a b" quoted="say \\"x\\"" empty=""\n`,
        `${time} DEBUG detail\n`,
      ],
    );
  });

  it('indents further lines, so that none can pass for an entry', () => {
    assert.deepEqual(
      logged('text', 'info', (log) => log.info(`one\n${time} ERROR forged\r\nthree`)),
      [`${time} INFO  one\n    ${time} ERROR forged\n    three\n`],
    );
  });
});

describe('log: text of others', () => {
  const hostile = 'a\x1b[2Jb\rc\x9b1md\u202ee\u2028f\u{e0041}g\0\x7f\tü';

  it('is escaped where a terminal would obey it, or it would hide what is there', () => {
    assert.deepEqual(
      logged('text', 'info', (log) => log.warn(hostile, { name: 'x\x1b]0;y\x07' })),
      [String.raw`${time} WARN  a\x1b[2Jb\rc\x9b1md\u202ee\u2028f\u{e0041}g\x00\x7f${'\t'}ü name=x\x1b]0;y\x07${'\n'}`],
    );
  });

  it('is the same text in JSON, of which nothing goes out as it is', () => {
    const [line] = logged('json', 'info', (log) => log.warn(hostile, { name: hostile }));
    assert.doesNotMatch(line!.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.deepEqual(JSON.parse(line!), { time, level: 'warn', message: hostile, name: hostile });
  });
});

describe('log: JSON', () => {
  it('writes one object per line, fields beside the message', () => {
    const [line, ...more] = logged('json', 'info', (log) => log.warn('two\nlines', { map: 'calls', count: 3 }));
    assert.deepEqual(more, []);
    assert.match(line!, /^[^\n]*\n$/);
    assert.deepEqual(JSON.parse(line!), { time, level: 'warn', message: 'two\nlines', map: 'calls', count: 3 });
  });
});

describe('log: levels', () => {
  const all = (log: Log) => {
    log.error('error');
    log.warn('warn');
    log.info('info');
    log.debug('debug');
  };
  for (const [level, count] of [
    ['error', 1],
    ['warn', 2],
    ['info', 3],
    ['debug', 4],
  ] as const) {
    it(`${level} writes ${count} of four`, () => assert.equal(logged('text', level, all).length, count));
  }

  it('tells what it writes', () => {
    const log = new Log({ level: 'warn', format: 'text' });
    assert.equal(log.writes('warn'), true);
    assert.equal(log.writes('info'), false);
  });
});

describe('log: once', () => {
  it('warns once per outage, and says once when it is over', () => {
    const entries = logged('text', 'info', (log) => {
      log.over('b', 'never begun');
      log.once('a', 'a is down');
      log.once('a', 'a is still down');
      log.once('b', 'b is down');
      log.over('a', 'a works again');
      log.over('a', 'a still works');
      log.once('a', 'a is down again');
    });
    assert.deepEqual(
      entries.map((entry) => entry.slice(time.length + 1, -1)),
      ['WARN  a is down', 'WARN  b is down', 'INFO  a works again', 'WARN  a is down again'],
    );
  });
});

describe('log: where nothing can be written', () => {
  const failing = () => {
    const entries: string[] = [];
    const disk = { failure: undefined as object | undefined };
    const write = (text: string) => {
      if (disk.failure !== undefined) throw Object.assign(new Error('no space left on device'), disk.failure);
      entries.push(text.replaceAll(time, 'TIME'));
    };
    return { entries, disk, log: new Log({ level: 'info', format: 'text', write, now: () => new Date(time) }) };
  };

  it('counts what is lost, and tells it when there is room again', () => {
    const { entries, disk, log } = failing();
    disk.failure = { written: 0 };
    for (const message of ['one', 'two', 'three']) log.warn(message);
    log.debug('not wanted');
    disk.failure = undefined;
    log.info('four');
    log.info('five');
    assert.deepEqual(entries, [
      'TIME WARN  log: 3 entries could not be written\n',
      'TIME INFO  four\n',
      'TIME INFO  five\n',
    ]);
  });

  it('begins a new line behind an entry that is there in part', () => {
    const { entries, disk, log } = failing();
    disk.failure = { written: 7 };
    log.info('one');
    disk.failure = undefined;
    log.info('two');
    assert.deepEqual(entries, ['\nTIME WARN  log: an entry could not be written\n', 'TIME INFO  two\n']);
  });
});
