import assert from 'node:assert/strict';
import type { Diagnostic } from '../../../src/config/yaml/diagnostic.ts';

/** That each is told in words, at a place that the text has. */
export function assertTold(diagnostics: readonly Diagnostic[], text: string): void {
  const lines = text.split('\n');
  for (const { line, column, message } of diagnostics) {
    const written = lines[line - 1];
    assert.ok(written !== undefined, `${line}: ${message}\n${text}`);
    assert.ok(column >= 1 && column <= written.length + 1, `${line}:${column}: ${message}\n${text}`);
    assert.ok(message !== '' && !/undefined|\[object|at .*\.ts:/.test(message), message);
  }
}
