import assert from 'node:assert/strict';
import type { ObjectLayout } from '../../../src/btf/types.ts';
import { parseProgramFile } from '../../../src/config/program/file.ts';
import { type ResolvedProgram, type ResolveOptions, resolveProgram } from '../../../src/config/resolve/program.ts';
import { Diagnostics } from '../../../src/config/yaml/diagnostic.ts';

export const options: ResolveOptions = { namespace: 'ebpf', cpus: 4 };

/** The plan of a file that has no errors. */
export function plan(yaml: string, object: ObjectLayout, more: Partial<ResolveOptions> = {}): ResolvedProgram {
  const diagnostics = new Diagnostics();
  const resolved = resolve(yaml, object, diagnostics, more);
  assert.deepEqual(texts(diagnostics), []);
  assert.ok(resolved);
  return resolved;
}

/** All errors of a file, `line:column: message`. */
export function errors(yaml: string, object: ObjectLayout, more: Partial<ResolveOptions> = {}): string[] {
  const diagnostics = new Diagnostics();
  const resolved = resolve(yaml, object, diagnostics, more);
  if (diagnostics.hasErrors) assert.equal(resolved, undefined);
  return texts(diagnostics);
}

export function texts(diagnostics: Diagnostics): string[] {
  return diagnostics.errors.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
}

function resolve(yaml: string, object: ObjectLayout, diagnostics: Diagnostics, more: Partial<ResolveOptions>) {
  const file = parseProgramFile(yaml, 'x.yaml', diagnostics);
  return file && resolveProgram(file, object, { ...options, ...more }, diagnostics);
}
