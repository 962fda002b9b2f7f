import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One BPF program that a kernel was asked to take. */
export interface Hook {
  readonly bpfProgram: string;
  readonly section: string;
  readonly attached: boolean;
  readonly problem: string | undefined;
}

/** A hook with several ways in. */
export interface HookWay {
  readonly hook: string;
  /** Undefined: the kernel takes none. */
  readonly way: string | undefined;
  /** Why that is no mere lack of the kernel's. */
  readonly problem: string | undefined;
}

/** A shipped program on a kernel. */
export interface Program {
  readonly name: string;
  readonly hooks: readonly Hook[];
  readonly ways: readonly HookWay[];
  /** Why it could not be loaded as a whole. */
  readonly problem: string | undefined;
}

export interface TestResult {
  /** Relative to the clone. */
  readonly file: string;
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it is skipped. */
  readonly reason?: string | undefined;
}

/** All that was seen of one kernel. */
export interface KernelResult {
  /** As on the command line: `6.1`. */
  readonly kernel: string;
  readonly release: string;
  readonly seconds: number;
  readonly programs: readonly Program[];
  readonly tests: readonly TestResult[];
  /** What went wrong apart from tests and hooks: the VM, or the command `check`. */
  readonly problems: readonly string[];
}

/** The group of everything that is not a program's: loading, maps. */
export const common = 'loader, maps';

/** Whose tests a file holds: test/kernel/programs/tcp.test.ts and tcp-connections.test.ts are those of `tcp`. */
export function subjectOf(file: string, programs: readonly Pick<Program, 'name'>[]): string {
  const test = /^test\/kernel\/programs\/(.+)\.test\.ts$/.exec(file)?.[1];
  const owners = programs.filter(({ name }) => test === name || test?.startsWith(`${name}-`));
  return owners.map(({ name }) => name).sort((a, b) => b.length - a.length)[0] ?? common;
}

/** Where the VM leaves what `readResults` reads. */
export const resultFiles = { programs: 'programs.json', check: 'check-status', tests: 'tests.jsonl' } as const;

type Seen = Pick<KernelResult, 'programs' | 'tests' | 'problems'>;

/** Reads what a VM's command left of tests alone; none is a problem. */
export function readTests(folder: string): Seen {
  const tests = read(folder, resultFiles.tests)
    .split('\n')
    .filter(Boolean)
    .map((line): TestResult => JSON.parse(line));
  return { programs: [], tests, problems: tests.length === 0 ? ['no test ran'] : [] };
}

/** Reads all that a VM's command left; what is missing is a problem. */
export function readResults(folder: string): Seen {
  const { tests, problems } = readTests(folder);
  const programs = parsePrograms(read(folder, resultFiles.programs));
  const allAttached = programs?.every(
    ({ hooks, ways, problem }) =>
      !problem && hooks.every(({ attached }) => attached) && ways.every((way) => !way.problem),
  );
  const expected = allAttached ? '0' : '1';
  const check = read(folder, resultFiles.check);
  return {
    programs: programs ?? [],
    tests,
    problems: [
      ...(programs === undefined ? ['attaching the programs ended early'] : []),
      ...problems,
      ...(check === expected ? [] : [`\`ebpf-meter check\` ended with "${check}" instead of ${expected}`]),
    ],
  };
}

function read(folder: string, file: string): string {
  const path = join(folder, file);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
}

function parsePrograms(text: string): Program[] | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
