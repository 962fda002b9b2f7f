import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exporterOptionTypes } from '../../src/cli/exporter-options.ts';
import { optionGroups } from '../../src/cli/option-row.ts';
import { allOptions } from '../../src/cli/options.ts';

const docs = join(import.meta.dirname, '../../docs');

function optionsOf(page: string): string {
  const [, section] = readFileSync(join(docs, page), 'utf8').split('\n## Options\n');
  assert.ok(section !== undefined, page);
  return section.split('\n## ')[0]!;
}

const named = (text: string) => [...text.matchAll(/`--([\w.-]+)/g)].map(([, name]) => name!);
const firstCells = (text: string) => [...text.matchAll(/^\| (.*?) \|/gm)].map(([, cell]) => cell!);
const rows = allOptions.map(([, row]) => row);

test('the page on configuration has every option, each once, with its value', () => {
  const cells = firstCells(optionsOf('configuration.md')).filter((cell) => cell.startsWith('`'));
  assert.deepEqual(cells.flatMap((cell) => named(cell).slice(0, 1)).sort(), rows.map(({ name }) => name).sort());
  for (const { name, value } of rows) {
    const cell = cells.find((cell) => named(cell)[0] === name)!;
    assert.equal(/^`--[\w.-]+ \S/.test(cell), value !== undefined, name);
  }
});

test('the page says which options not every command takes', () => {
  const [, check, list] = /that (.*) is `check`'s; `list` all but (.*)\.\n/.exec(optionsOf('configuration.md'))!;
  const unknownTo = (command: string) =>
    rows.filter(({ group }) => !optionGroups[group].some((knowing) => knowing === command)).map(({ name }) => name);
  assert.deepEqual(named(check!).sort(), unknownTo('run').sort());
  assert.deepEqual(named(list!).sort(), unknownTo('list').sort());
});

test('the page on migrating has every option of ebpf_exporter, and what it is here', () => {
  const page = optionsOf('migrating.md');
  const theirs = firstCells(page).flatMap(named);
  const same = rows.map(({ name }) => name).filter((name) => theirs.includes(name));
  assert.deepEqual(theirs.sort(), [...Object.keys(exporterOptionTypes), ...same].sort());
  for (const { name, exporter } of rows) {
    if (exporter === undefined) continue;
    const ours = page.split('\n').find((line) => named(line)[0] === exporter.name)!;
    assert.match(ours.split(' | ')[1]!, new RegExp(`--${name} ?${exporter.value ?? ''}`));
  }
});
