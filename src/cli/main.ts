// The command line: its arguments, what it prints, and a file per command. What a library may want, too, is in
// src/exporter. May be imported by `main.ts`.

import { inspect } from 'node:util';
import { MeterError } from '../errors.ts';
import { errorText } from '../exporter/error-text.ts';
import { withoutDescriptor } from '../kernel/open-files.ts';
import { printable } from '../printable.ts';
import { writerTo } from '../write-all.ts';
import { type Invocation, parseCommandLine } from './args.ts';
import { exitStatus } from './exit-status.ts';
import { helpText } from './help.ts';
import { requireNode } from './node-version.ts';
import { print } from './output.ts';

/** Carries out a command line; resolves with the process's exit status. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    requireNode(process.versions.node);
    return await carryOut(parseCommandLine(args));
  } catch (error) {
    return report(error);
  }
}

/** Each command is imported when it is asked for, so that none waits for what another needs. */
async function carryOut({ command, topic, options }: Invocation): Promise<number> {
  switch (command) {
    case 'run':
      return (await import('./run.ts')).run(options);
    case 'check':
      if (options.print) return (await import('./print-configuration.ts')).printConfiguration(options);
      return (await import('./check.ts')).check(options);
    case 'list':
      return (await import('./list.ts')).list(options);
    case 'help':
      print(helpText(topic));
      return 0;
    case 'version':
      print(`ebpf-meter ${(await import('../version.ts')).version}\n`);
      return 0;
  }
}

/** A user's mistake is told in words; the stack is shown only where it is ours. */
function report(error: unknown): number {
  const errors = error instanceof AggregateError ? error.errors : [error];
  const write = writerTo(2);
  for (const one of errors) {
    const isTheirs = one instanceof MeterError || withoutDescriptor(one) !== undefined;
    const text = isTheirs ? errorText(one) : `this is a bug, please report it: ${inspect(one)}`;
    try {
      write(`ebpf-meter: ${printable(text)}\n`);
    } catch {
      // The status is left to tell it.
    }
  }
  return Math.max(...errors.map(exitStatus));
}
