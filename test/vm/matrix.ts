import { common, type KernelResult, subjectOf } from './results.ts';

/** Program × kernel, in words that don't change when a test is added: what the docs publish. */
export interface Matrix {
  /** kernel → program → cell */
  readonly cells: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** kernel → what isn't as it should be, one line each */
  readonly notes: ReadonlyMap<string, readonly string[]>;
  /** kernel → release; not compared, since Debian's kernels move on */
  readonly releases: ReadonlyMap<string, string>;
}

export function matrixOf(results: readonly KernelResult[]): Matrix {
  return {
    cells: new Map(
      results.map((result) => [result.kernel, new Map(subjects(result).map((name) => [name, cell(result, name)]))]),
    ),
    notes: new Map(results.map((result) => [result.kernel, notes(result)])),
    releases: new Map(results.map(({ kernel, release }) => [kernel, release])),
  };
}

/** What a run on a terminal ends with: the same with numbers of tests and the time that it took. */
export function summary(results: readonly KernelResult[]): string {
  const names = [...new Set(results.flatMap(subjects))];
  const rows = names.map((name) => [
    name,
    ...results.map((result) => (subjects(result).includes(name) ? numbers(result, name) : '')),
  ]);
  const times = results.map(({ seconds }) => `${Math.round(seconds)} s`);
  return columns([
    ['program', ...results.map(({ kernel, release }) => `${kernel} (${release})`)],
    ...rows,
    ['time', ...times],
  ]);
}

/** What a run of some tests alone ends with. */
export function totals(results: readonly KernelResult[]): string {
  return results
    .map(
      (result) => `${result.kernel} (${result.release}): ${numbers(result, common)}; ${Math.round(result.seconds)} s`,
    )
    .join('\n');
}

/** Names of tests that failed, and what else makes a run a failure. */
export function failures({ tests, problems }: KernelResult): string[] {
  const failed = tests.filter(({ outcome }) => outcome === 'failed');
  return [...problems, ...failed.map(({ file, name }) => `${file}: ${name}`)];
}

function subjects({ programs, tests }: KernelResult): string[] {
  return [...programs.map(({ name }) => name), ...(tests.length > 0 ? [common] : [])];
}

function cell(result: KernelResult, name: string): string {
  const tests = testsOf(result, name);
  const failed = tests.some(({ outcome }) => outcome === 'failed');
  const passed = tests.some(({ outcome }) => outcome === 'passed');
  const counts = failed ? 'wrong' : passed ? 'right' : 'not tested';
  return [attached(result, name), counts].filter(Boolean).join(', ');
}

function numbers(result: KernelResult, name: string): string {
  const tests = testsOf(result, name);
  const number = (outcome: string) => tests.filter((test) => test.outcome === outcome).length;
  const parts = [`${number('passed')} passed`, `${number('failed')} failed`];
  if (number('skipped') > 0) parts.push(`${number('skipped')} skipped`);
  return [attached(result, name), parts.join(', ')].filter(Boolean).join('; ');
}

function attached({ programs }: KernelResult, name: string): string {
  const program = programs.find((candidate) => candidate.name === name);
  if (program === undefined) return '';
  if (program.problem !== undefined) return 'not loaded';
  // What a kernel has no way in to isn't asked of it; all of a program can be such.
  if (program.hooks.length === 0 && program.ways.some(({ way }) => way === undefined)) return 'no way in';
  const there = program.hooks.filter((hook) => hook.attached);
  const kinds = [...new Set(there.map(({ section }) => kindOf(section)))].sort();
  return [
    `${there.length} of ${program.hooks.length}`,
    ...(kinds.length > 0 ? [`by ${kinds.join(' and ')}`] : []),
  ].join(' ');
}

/** tp_btf of tp_btf/sched_switch. */
function kindOf(section: string): string {
  return section.replace(/^\?/, '').split('/')[0]!;
}

function testsOf({ tests, programs }: KernelResult, name: string) {
  return tests.filter(({ file }) => subjectOf(file, programs) === name);
}

function notes({ programs, tests }: KernelResult): string[] {
  return [
    ...programs.flatMap(({ name, hooks, ways, problem }) => {
      const detached = hooks.filter((hook) => !hook.attached).map((hook) => `\`${hook.bpfProgram}\` (${hook.section})`);
      const missing = ways.filter(({ way }) => way === undefined).map(({ hook }) => `\`${hook}\``);
      return [
        ...(problem === undefined ? [] : [`\`${name}\` is not loaded: ${problem}`]),
        ...(detached.length > 0 ? [`\`${name}\`: not attached: ${detached.join(', ')}`] : []),
        ...(missing.length > 0 ? [`\`${name}\`: no way in to ${missing.join(', ')}`] : []),
      ];
    }),
    ...tests
      .filter(({ outcome }) => outcome !== 'passed')
      .map(({ file, name, outcome, reason }) => {
        const became = outcome === 'failed' ? 'fails' : `is skipped${reason === undefined ? '' : `: ${reason}`}`;
        return `\`${file}\`: "${name}" ${became}`;
      }),
  ].map((note) => note.replaceAll('\n', ' '));
}

/** Rows with columns of equal width. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
