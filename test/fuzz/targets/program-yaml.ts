import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ObjectLayout } from '../../../src/btf/types.ts';
import { parseProgramFile } from '../../../src/config/program/file.ts';
import { resolveProgram } from '../../../src/config/resolve/program.ts';
import { Diagnostics, formatDiagnostic } from '../../../src/config/yaml/diagnostic.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { exporterStyleFile, exporterStyleObject } from '../../config/resolve/exporter-style-file.ts';
import { options } from '../../config/resolve/resolving.ts';
import { assertTold } from '../../config/yaml/told.ts';
import { root } from '../../docs/shipped.ts';
import { compileFixture } from '../../fixtures/compile.ts';
import type { StartTarget } from '../target.ts';

interface Pair {
  readonly yaml: string;
  readonly layout: ObjectLayout | undefined;
}

function pair(yaml: string, object: string | undefined): Pair {
  using opened = object === undefined ? undefined : OpenedObject.open(object);
  return { yaml: readFileSync(yaml, 'utf8'), layout: opened?.layout() };
}

function pairs(): Pair[] {
  const shipped = globSync('config/programs/*.yaml', { cwd: root }).sort();
  const objects = new Set(globSync('build/programs/*.bpf.o', { cwd: root }));
  const exporters = globSync('test/fixtures/exporter/*.yaml', { cwd: root }).sort();
  return [
    { yaml: exporterStyleFile, layout: exporterStyleObject },
    ...shipped.map((path) => {
      const object = `build/programs/${basename(path, '.yaml')}.bpf.o`;
      return pair(join(root, path), objects.has(object) ? join(root, object) : undefined);
    }),
    ...exporters.map((path) => pair(join(root, path), compileFixture(`exporter/${basename(path, '.yaml')}`))),
  ];
}

const odd = [
  ...[
    '',
    '~',
    '[]',
    '{}',
    '-1',
    '1.5',
    '010',
    '1_0',
    '99999999999999999999',
    '*x',
    '&x ',
    '|',
    "'",
    '"',
    '\u0000',
    'a: b',
  ],
  ...['true', '.inf', '.nan', '!!binary x', '<<: *x', '---', '# ', '\t', '- ', '? ', '[[[[', '__name__', 'le'],
];

/** Descriptions with slips, in both ways of reading: never an exception, and what is wrong is told with its place. */
export const start: StartTarget = () => {
  const all = pairs();
  const keys = [...new Set(all.flatMap(({ yaml }) => [...yaml.matchAll(/[\w.]+(?=:)/g)].map(([key]) => key)))];
  const words = [...odd, ...odd, ...keys];
  return {
    attempt(attempt) {
      const { yaml, layout } = attempt.pick(all);
      const text = attempt.spoil(yaml, words);
      attempt.input = text;
      const diagnostics = new Diagnostics({ readsAsExporter: attempt.onceIn(2) });
      const file = parseProgramFile(text, 'x.yaml', diagnostics);
      const resolved = file && resolveProgram(file, attempt.onceIn(20) ? undefined : layout, options, diagnostics);
      assert.equal(resolved === undefined, diagnostics.hasErrors, diagnostics.errors.map(formatDiagnostic).join('\n'));
      const told = [...diagnostics.errors, ...diagnostics.warnings];
      assertTold(told, text);
      for (const one of told) formatDiagnostic(one);
      return resolved === undefined ? 'refused' : 'taken';
    },
  };
};
