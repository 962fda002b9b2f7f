import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { compileFixture } from '../fixtures/compile.ts';

export interface ProgramFiles {
  readonly yaml: string;
  /** Name of a fixture, or the object's bytes. */
  readonly object: string | Uint8Array;
}

export interface ProgramFolder extends Disposable {
  readonly path: string;
  /** Writes another file into it and returns its path. */
  file(name: string, text: string): string;
}

/** A folder for --programs with pairs NAME.yaml + NAME.bpf.o, or SUB/NAME of each, gone when disposed. */
export function programFolder(programs: Readonly<Record<string, ProgramFiles>>): ProgramFolder {
  const path = mkdtempSync(join(tmpdir(), 'ebpf-meter-e2e-'));
  for (const [name, { yaml, object }] of Object.entries(programs)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, `${name}.yaml`), yaml);
    const target = join(path, `${name}.bpf.o`);
    if (typeof object === 'string') copyFileSync(compileFixture(object), target);
    else writeFileSync(target, object);
  }
  return {
    path,
    file(name, text) {
      writeFileSync(join(path, name), text);
      return join(path, name);
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
}
