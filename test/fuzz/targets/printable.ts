import assert from 'node:assert/strict';
import { escapeName, escapings } from '../../../src/config/names/escaping.ts';
import { Log } from '../../../src/log.ts';
import type { LogFormat } from '../../../src/log-settings.ts';
import { printable, printableJson } from '../../../src/printable.ts';
import { exportErrorText } from '../../../src/readers/export-error.ts';
import type { StartTarget } from '../target.ts';

/** What a terminal obeys or hides. */
const unseen = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const pieces = ['\n', '\r\n', '\\', '"', '{', 'x', ' ', '=', '\u001b[2J', '2026-01-01T00:00:00.000Z ERROR ', 'é', '😀'];

function entry(format: LogFormat, message: string, value: string): string {
  let text = '';
  const write = (written: string) => {
    text += written;
  };
  new Log({ level: 'info', format, write }).warn(message, { value });
  return text;
}

/** Text of others in the log: no line is forged, and nothing reaches the terminal that it would obey. */
export const start: StartTarget = () => ({
  attempt(attempt) {
    const text = attempt.text(pieces, 20);
    attempt.input = text;
    const shown = printable(text);
    assert.doesNotMatch(shown, unseen);
    assert.equal(printable(shown), shown);
    const json = printableJson(JSON.stringify(text));
    assert.doesNotMatch(json, unseen);
    assert.equal(JSON.parse(json), text);
    assert.ok(exportErrorText(new Error(text)).length < 2000);

    const line = entry('json', text, text);
    assert.doesNotMatch(line.slice(0, -1), /[\n\r]/);
    const { message, value } = JSON.parse(line) as { message: string; value: string };
    assert.deepEqual([message, value], [text, text]);
    const [first, ...more] = entry('text', text, text).slice(0, -1).split('\n');
    assert.match(first!, /^\S+Z WARN {2}/);
    for (const one of more) assert.match(one, /^ {4}/);

    for (const escaping of escapings) {
      const name = escapeName(text, escaping);
      if (escaping !== 'allow-utf-8' && name !== '') assert.match(name, /^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
    }
    return 'taken';
  },
});
