import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveProgram } from '../../../src/config/resolve/program.ts';
import { ConfigError, Diagnostics } from '../../../src/config/yaml/diagnostic.ts';
import type { MeterError } from '../../../src/errors.ts';
import { possibleCpus } from '../../../src/kernel/cpus.ts';
import { LibbpfError } from '../../../src/libbpf/error.ts';
import { OpenedObject } from '../../../src/libbpf/object.ts';
import { findPrograms, type ProgramFiles } from '../../../src/programs/find.ts';
import { loadProgram } from '../../../src/programs/load.ts';
import { parsePair } from '../../../src/programs/prepare.ts';
import { noVariables } from '../../helpers/kernel-symbols.ts';

// A way that only the verifier refuses would be passed over on every kernel that needs it, and nobody would hear of it.

/** What an instruction becomes that reads a member which this kernel's types lack (libbpf's bpf_core_poison_insn). */
const poisoned = '195896080';

/** What the verifier says of a function with a structure among its arguments, which fentry takes since 6.1 (720e6a435194). */
const structures = /arg\d+ type STRUCT is unsupported/;

/** What the verifier says of a variable of the kernel's whose address the kernel doesn't tell. */
const addresses = /failed to find the address for kernel symbol/;

const { programs } = findPrograms({});

for (const pair of programs) {
  const rounds = pair.object === undefined ? 0 : Math.max(0, ...waysOf(pair).map(({ ways }) => ways.length));
  for (let round = 0; round < rounds; round++) {
    test(`the verifier takes the ways of ${pair.name} that this kernel has: ${round + 1} of ${rounds}`, () => {
      const chosen = waysOf(pair).map(({ name, ways }) => [name, (ways[round] ?? ways.at(-1)!).name] as const);
      const plan = planOf(pair, new Map(chosen));
      using running = loadProgram(plan, OpenedObject.open(pair.object!));
      const refused = running.hooks.flatMap(({ passed }) => passed).filter(({ error }) => isRefused(error));
      assert.deepEqual(
        refused.map(({ error }) => error.message),
        [],
      );
      for (const { error } of running.attached) assert.equal(error, undefined);
    });
  }
}

function waysOf(pair: ProgramFiles) {
  return planOf(pair, new Map()).hooks;
}

function planOf(pair: ProgramFiles, ways: ReadonlyMap<string, string>) {
  const diagnostics = new Diagnostics();
  const file = parsePair(pair, diagnostics);
  using object = OpenedObject.open(pair.object!);
  const options = {
    namespace: '',
    cpus: possibleCpus().indexes,
    metrics: file?.metrics.map(({ name }) => name.value),
    ways,
  };
  const plan = file && resolveProgram(file, object.layout(), options, diagnostics);
  if (plan === undefined) throw new ConfigError(diagnostics.errors);
  return plan;
}

function isRefused({ cause }: MeterError): boolean {
  const said = cause instanceof LibbpfError ? cause.messages.join('\n') : '';
  if (!said.includes('BEGIN PROG LOAD LOG') || said.includes(poisoned) || structures.test(said)) return false;
  return !(noVariables && addresses.test(said));
}
