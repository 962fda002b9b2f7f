// Runs in the VM: attaches each shipped program with all its metrics, and prints what became of its hooks as JSON.
import { readFileSync } from 'node:fs';
import { parseProgramFile } from '../../src/config/program/file.ts';
import { resolveProgram } from '../../src/config/resolve/program.ts';
import { Diagnostics } from '../../src/config/yaml/diagnostic.ts';
import { possibleCpus } from '../../src/kernel/cpus.ts';
import { pageSize } from '../../src/kernel/page-size.ts';
import { OpenedObject } from '../../src/libbpf/object.ts';
import { findPrograms, type ProgramFiles } from '../../src/programs/find.ts';
import { startProgram } from '../../src/programs/start.ts';
import { throwErrors } from '../helpers/throw-errors.ts';
import type { Program } from './results.ts';

const { programs, errors } = findPrograms({});
for (const error of errors) throw error;
console.log(JSON.stringify(programs.map(attach)));

function attach(files: ProgramFiles): Program {
  try {
    return { name: files.name, ...hooks(files), problem: undefined };
  } catch (error) {
    return { name: files.name, hooks: [], ways: [], problem: error instanceof Error ? error.message : String(error) };
  }
}

function hooks({ file: path, object }: ProgramFiles): Pick<Program, 'hooks' | 'ways'> {
  const diagnostics = new Diagnostics();
  const opened = object === undefined ? undefined : OpenedObject.open(object);
  const file = parseProgramFile(readFileSync(path, 'utf8'), path, diagnostics);
  // Those that nobody gets without asking for them, too.
  const metrics = file?.metrics.map(({ name }) => name.value);
  // Any interface tells whether the kernel can attach to one.
  const interfaces = opened?.layout().programs.some(({ section }) => section === 'xdp') ? ['lo'] : undefined;
  const options = { namespace: '', cpus: possibleCpus().indexes, pageSize: pageSize(), metrics, interfaces };
  const plan = file && resolveProgram(file, opened?.layout(), options, diagnostics);
  throwErrors(diagnostics);
  using program = startProgram(plan!, opened);
  return {
    hooks: program.attached
      .filter(({ state }) => state !== 'not loaded')
      .map(({ bpfProgram, section, state, error }) => ({
        bpfProgram,
        section,
        attached: state === 'attached',
        problem: error?.message,
      })),
    ways: [
      ...program.hooks.map(({ hook, way, error }) => ({ hook, way, problem: error?.message })),
      // Maps without C tell what the machine lacks, and no hook.
      ...(program.hooks.length > 0 ? [] : program.absent).map(({ metrics }) => ({
        hook: metrics.join(', '),
        way: undefined,
        problem: undefined,
      })),
    ],
  };
}
