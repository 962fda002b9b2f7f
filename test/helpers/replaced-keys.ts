import { getppid } from '../fixtures/plan.ts';
import { type ProgramFolder, programFolder } from './program-folder.ts';

/** A program whose map holds the last `window` calls of getppid of the test's process, each with a key of its own. */
export function replacedKeys(window: number): ProgramFolder {
  const yaml = `
constants: {wanted_pid: ${process.pid}, wanted_call: ${getppid}, window: ${window}}
metrics:
  counters:
    - {name: events, help: Calls}
`;
  return programFolder({ events: { yaml, object: 'replaced-keys' } });
}
