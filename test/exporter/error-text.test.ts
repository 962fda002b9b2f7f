import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/config/yaml/diagnostic.ts';
import { MeterError } from '../../src/errors.ts';
import { errorText, logError } from '../../src/exporter/error-text.ts';
import { Log } from '../../src/log.ts';

const diagnostic = { file: 'a.yaml', line: 2, column: 3, excerpt: '  nmae: x', message: 'unknown key "nmae"' };

describe('report', () => {
  it('puts the remedy behind the cause', () => {
    const error = new MeterError('attach', 'block: EPERM', { remedy: 'Run as root', detail: 'long' });
    assert.equal(errorText(error), 'block: EPERM\nRun as root');
  });

  it('shows every error of a configuration with its place', () => {
    const error = new ConfigError([
      { ...diagnostic, severity: 'error' },
      { ...diagnostic, line: 4, severity: 'error' },
    ]);
    assert.equal(
      errorText(error),
      [
        'a.yaml:2:3: unknown key "nmae"',
        '      nmae: x',
        '      ^',
        'a.yaml:4:3: unknown key "nmae"',
        '      nmae: x',
        '      ^',
      ].join('\n'),
    );
  });

  it('shows all of several wrong options or variables', () => {
    assert.equal(errorText(new MeterError('usage', '2 errors, the first: a', { detail: 'a\nb' })), 'a\nb');
  });

  it('keeps what is too long for a line for the level debug', () => {
    const error = new MeterError('load', 'block: EINVAL', { detail: "the verifier's log" });
    const entries = (level: 'info' | 'debug') => {
      const written: string[] = [];
      logError(new Log({ level, format: 'json', write: (text) => written.push(text) }), 'warn', error);
      return written.map((text) => [JSON.parse(text).level, JSON.parse(text).message]);
    };
    assert.deepEqual(entries('info'), [['warn', 'block: EINVAL']]);
    assert.deepEqual(entries('debug'), [
      ['warn', 'block: EINVAL'],
      ['debug', "the verifier's log"],
    ]);
  });
});
