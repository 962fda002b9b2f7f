import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProgramOverride, ProgramsConfig } from '../../src/config/exporter/configuration.ts';
import { Diagnostics } from '../../src/config/yaml/diagnostic.ts';
import { isSelected, unknownPrograms } from '../../src/programs/selection.ts';

function config(only: string[] | undefined, enabled: Record<string, boolean | undefined> = {}): ProgramsConfig {
  const overrides = Object.entries(enabled).map(([name, value]): [string, ProgramOverride] => [
    name,
    { enabled: value, metrics: undefined, constants: new Map(), ways: new Map() },
  ]);
  return { directories: undefined, only, overrides: new Map(overrides) };
}

describe('selection', () => {
  for (const { what, expensive, programs, selected } of [
    { what: 'a cheap program', expensive: false, programs: config(undefined), selected: true },
    { what: 'an expensive one', expensive: true, programs: config(undefined), selected: false },
    {
      what: 'an expensive one that is enabled',
      expensive: true,
      programs: config(undefined, { a: true }),
      selected: true,
    },
    {
      what: 'a cheap one that is disabled',
      expensive: false,
      programs: config(undefined, { a: false }),
      selected: false,
    },
    {
      what: 'one with other settings',
      expensive: true,
      programs: config(undefined, { a: undefined }),
      selected: false,
    },
    {
      what: 'one that is named, whatever its settings',
      expensive: true,
      programs: config(['a'], { a: false }),
      selected: true,
    },
    { what: 'one that is not named', expensive: false, programs: config(['b'], { a: true }), selected: false },
  ]) {
    it(`${selected ? 'runs' : 'leaves out'} ${what}`, () => {
      assert.equal(isSelected({ name: 'a', expensive }, programs), selected);
    });
  }

  it('tells each unknown name once, with the nearest known one', () => {
    const diagnostics = new Diagnostics();
    const programs = config(['blok', 'sched'], { blok: true, nothing: false });
    const errors = unknownPrograms(['block', 'sched'], programs, diagnostics);
    assert.deepEqual(
      errors.map(({ message }) => message),
      ['program "blok": not found, did you mean "block"?', 'program "nothing": not found; known: block, sched'],
    );
    assert.equal(diagnostics.hasErrors, false);
  });

  it('tells it where a file names it', () => {
    const diagnostics = new Diagnostics();
    const at = (line: number) => ({ file: 'otel.yaml', line, column: 3, excerpt: '' });
    const places = new Map([
      ['only.blok', at(1)],
      ['programs.blok', at(2)],
      ['programs.nothing', at(3)],
    ]);
    const programs = { ...config(['blok', 'x'], { blok: true, nothing: false }), places };
    const errors = unknownPrograms(['block'], programs, diagnostics);
    assert.deepEqual(
      errors.map(({ message }) => message),
      ['program "x": not found; known: block'],
    );
    assert.deepEqual(
      diagnostics.errors.map(({ line, message }) => `${line}: ${message}`),
      ['1: program "blok": not found, did you mean "block"?', '3: program "nothing": not found; known: block'],
    );
  });
});
