// Runs in the VM: attaches each shipped program with all its metrics, and prints what became of its hooks as JSON.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Diagnostics } from '../../src/config/diagnostic.ts';
import { parseProgramFile } from '../../src/config/program-file.ts';
import { resolveProgram } from '../../src/config/resolve.ts';
import { possibleCpus } from '../../src/kernel/cpus.ts';
import { pageSize } from '../../src/kernel/page-size.ts';
import { OpenedObject } from '../../src/libbpf/object.ts';
import { loadProgram } from '../../src/programs/load.ts';
import type { Hook, Program } from './results.ts';

const root = join(import.meta.dirname, '../..');
const files = readdirSync(join(root, 'config/programs')).filter((file) => file.endsWith('.yaml'));
console.log(JSON.stringify(files.sort().map((file) => attach(file.slice(0, -'.yaml'.length)))));

function attach(name: string): Program {
  try {
    return { name, hooks: hooks(name), problem: undefined };
  } catch (error) {
    return { name, hooks: [], problem: error instanceof Error ? error.message : String(error) };
  }
}

function hooks(name: string): Hook[] {
  const path = join(root, 'config/programs', `${name}.yaml`);
  const diagnostics = new Diagnostics();
  const opened = OpenedObject.open(join(root, 'build/programs', `${name}.bpf.o`));
  const file = parseProgramFile(readFileSync(path, 'utf8'), path, diagnostics);
  const options = { namespace: '', cpus: possibleCpus().indexes, pageSize: pageSize() };
  const plan = file && resolveProgram(file, opened.layout(), options, diagnostics);
  diagnostics.throwErrors();
  using program = loadProgram(plan!, opened);
  return program.attached
    .filter(({ state }) => state !== 'not loaded')
    .map(({ bpfProgram, section, state, error }) => ({
      bpfProgram,
      section,
      attached: state === 'attached',
      problem: error?.message,
    }));
}
