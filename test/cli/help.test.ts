import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCommandLine } from '../../src/cli/args.ts';
import { commands } from '../../src/cli/commands.ts';
import { helpText } from '../../src/cli/help.ts';
import { allOptions } from '../../src/cli/options.ts';

const sampleOf = (option: string) => allOptions.find(([, { name }]) => `--${name}` === option)?.[1].words?.[0] ?? 'x';
const topics = [undefined, ...commands];

describe('help', () => {
  for (const topic of topics) {
    it(`on ${topic ?? 'all'} fits into 100 columns and ends with a line end`, () => {
      const text = helpText(topic);
      assert.match(text, /[^\n]\n$/);
      assert.deepEqual(
        text.split('\n').filter((line) => line.length > 100),
        [],
      );
    });
  }

  it('names every command', () => {
    for (const command of commands) assert.match(helpText(undefined), new RegExp(`^ {2}${command} `, 'm'));
  });

  for (const command of ['run', 'check', 'list'] as const) {
    it(`on ${command} lists the options that it takes, and no other`, () => {
      const listed = [...helpText(command).matchAll(/^ {2}(--[\w.-]+)( \S)?/gm)];
      const names = listed.map((match) => match[1]!);
      for (const [, option, value] of listed) {
        const args = [command, option!, ...(value === undefined ? [] : [sampleOf(option!)])];
        assert.doesNotThrow(() => parseCommandLine(args), `${args}`);
      }
      for (const option of ['--config', '--programs', '--only', '--namespace', '--log-level', '--log-format']) {
        assert.ok(names.includes(option), option);
      }
      assert.equal(names.includes('--prometheus'), command !== 'list');
      assert.equal(names.includes('--otlp'), command !== 'list');
      assert.equal(names.includes('--strict'), command !== 'list');
    });
  }
});
