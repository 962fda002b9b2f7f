import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProgramFile } from '../../src/config/program/file.ts';
import { resolveProgram } from '../../src/config/resolve/program.ts';
import { Diagnostics } from '../../src/config/yaml/diagnostic.ts';
import { exporterStyleObject as object, exporterStyleFile as whole } from './resolve/exporter-style-file.ts';
import { options } from './resolve/resolving.ts';
import { assertTold } from './yaml/told.ts';

const odd = ['', '~', '[]', '{}', '-1', '1.5', '99999999999999999999', '*x', '|', "'", '\u0000', 'a: b'];
const lines = whole.split('\n');

/** Every way to spoil one line. */
function* spoiled(): Generator<string> {
  for (const [index, line] of lines.entries()) {
    const parts = /^(\s*(?:- )?)([\w]+:)?(.*)$/.exec(line)!;
    const [, indent = '', key = '', value = ''] = parts;
    const variants = [
      undefined,
      `${line}\n${line}`,
      ` ${line}`,
      line.slice(1),
      line.slice(0, -1),
      `${indent}x${key}${value}`,
      ...odd.map((text) => `${indent}${key} ${text}`),
    ];
    for (const variant of variants) {
      yield lines.flatMap((other, at) => (at === index ? (variant ?? []) : other)).join('\n');
    }
    // A file that was cut off.
    yield lines.slice(0, index).join('\n');
  }
}

test('the whole file is right', () => {
  const diagnostics = new Diagnostics();
  assert.ok(resolveProgram(parseProgramFile(whole, 'x.yaml', diagnostics)!, object, options, diagnostics));
  assert.equal(diagnostics.hasErrors, false);
});

for (const readsAsExporter of [false, true]) {
  const reader = readsAsExporter ? 'as ebpf_exporter reads it' : 'as we read it';
  test(`whatever is wrong with one line never throws, and is told with its place or is still right, ${reader}`, () =>
    tryAll(readsAsExporter));
}

function tryAll(readsAsExporter: boolean): void {
  let wrong = 0;
  let right = 0;
  for (const yaml of spoiled()) {
    const diagnostics = new Diagnostics({ readsAsExporter });
    const file = parseProgramFile(yaml, 'x.yaml', diagnostics);
    const plan = file && resolveProgram(file, object, options, diagnostics);
    if (plan === undefined) wrong++;
    else right++;
    for (const { width, metrics, bucketKey } of plan?.tables ?? []) {
      const columns = [...(bucketKey?.columns.values() ?? [])];
      for (const metric of metrics) if (metric.kind === 'histogram') columns.push(metric.sum?.cell ?? 0);
      assert.ok(
        columns.every((column) => column < width),
        yaml,
      );
    }
    assert.equal(plan === undefined, diagnostics.hasErrors, yaml);
    assertTold([...diagnostics.errors, ...diagnostics.warnings], yaml);
  }
  // Both are there, or nothing was tried.
  assert.ok(wrong > 400, `${wrong}`);
  assert.ok(right > 50, `${right}`);
}
