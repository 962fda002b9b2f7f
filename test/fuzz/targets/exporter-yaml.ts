// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's references to variables are written so
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exporterConfig } from '../../../src/config/exporter/assemble.ts';
import { readExporterFile } from '../../../src/config/exporter/file.ts';
import { type Diagnostic, formatDiagnostic } from '../../../src/config/yaml/diagnostic.ts';
import { MeterError } from '../../../src/errors.ts';
import { secret, secretFile, withSlips } from '../../config/exporter/secret-slips.ts';
import { assertTold } from '../../config/yaml/told.ts';
import { configurationExamples } from '../../docs/configuration-examples.ts';
import { root } from '../../docs/shipped.ts';
import type { StartTarget } from '../target.ts';

const shipped = ['config/ebpf-meter.yaml', 'config/ebpf-exporter.yaml'].map((path) =>
  readFileSync(join(root, path), 'utf8'),
);
/** With all that is commented out, as far as it is no sentence. */
const whole = shipped.map((text) => text.replaceAll(/^(\s*)# (\s*(?:- )?[\w/]+:|\s*- )/gm, '$1$2'));

const files = [...shipped, ...whole, ...configurationExamples().map(({ text }) => text)];

const odd = [
  ...[
    '',
    '~',
    '[]',
    '{}',
    '-1',
    '1.5',
    '99999999999999999999',
    '*x',
    '&x ',
    '|',
    "'",
    '"',
    '\u0000',
    'a: b',
    'true',
    '1.1',
  ],
  ...[
    '${',
    '${NAME}',
    '${NAME:-x}',
    '${sys:NAME}',
    '$$',
    '${NONE}',
    '.nan',
    '!!binary x',
    '<<: *x',
    '---',
    '# ',
    '\t',
    '[[',
    '[z-a]',
    '*',
    'a?b*',
  ],
];
const keys = [...new Set(files.flatMap((text) => [...text.matchAll(/[\w/]+(?=:)/g)].map(([key]) => key)))];
const words = [...odd, ...keys];
const env = { NAME: 'a: [b', NONE: '' };

/** The exporter's file with slips: never an exception, what is wrong has a place, and no error shows a secret. */
export const start: StartTarget = () => {
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-fuzz-'));
  const path = join(folder, 'otelcol.yaml');
  return {
    async attempt(attempt) {
      const hasSecret = attempt.onceIn(2);
      const text = hasSecret
        ? withSlips(secretFile, (limit) => attempt.below(limit))
        : attempt.spoil(attempt.pick(files), words);
      attempt.input = text;
      const file = readExporterFile(text, path, env);
      let told: readonly Diagnostic[] = [...file.errors(), ...file.warnings()];
      assertTold(told, text);
      const isWrong = file.errors().length > 0;
      assert.ok(isWrong || file.config !== undefined, 'neither errors nor a configuration');
      // The schema's own check takes most of the time.
      if (!isWrong && attempt.onceIn(10)) {
        writeFileSync(path, text);
        try {
          await exporterConfig({ configFile: path, env, readFile: () => text });
        } catch (error) {
          assert.ok(error instanceof MeterError && error.code === 'config', `${error}`);
          assert.ok(!hasSecret || !`${error.message} ${error.detail}`.includes(secret), error.message);
        }
      }
      told = [...file.errors(), ...file.warnings()];
      const shown = told.map(formatDiagnostic).join('\n');
      assert.ok(!hasSecret || !shown.includes(secret), shown);
      return isWrong ? 'refused' : 'taken';
    },
    async close() {
      rmSync(folder, { recursive: true });
    },
  };
};
