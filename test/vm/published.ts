import type { Matrix } from './matrix.ts';

const begin = '<!-- matrix -->';
const finish = '<!-- /matrix -->';
const releaseRow = "Debian's package";

/** Reads the matrix out of docs/kernels.md; an empty one where it has none yet. */
export function parsePublished(document: string): Matrix {
  const lines = between(document).split('\n');
  const rows = lines
    .filter((line) => line.startsWith('|') && !/^\|[-| ]*$/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((text) => text.trim()),
    );
  const [[, ...kernels] = [], ...body] = rows;
  const column = (kernel: number) =>
    new Map(
      body
        .filter(([name, ...cells]) => name !== releaseRow && cells[kernel])
        .map(([name, ...cells]) => [name!, cells[kernel]!]),
    );
  const releases = body.find(([name]) => name === releaseRow)?.slice(1) ?? [];
  const notesOf = (kernel: string) =>
    lines.filter((line) => line.startsWith(`- ${kernel}: `)).map((line) => line.slice(`- ${kernel}: `.length));
  return {
    cells: new Map(kernels.map((kernel, index) => [kernel, column(index)])),
    notes: new Map(kernels.map((kernel) => [kernel, notesOf(kernel)])),
    releases: new Map(kernels.map((kernel, index) => [kernel, releases[index] ?? ''])),
  };
}

/** The document with the kernels of `measured` in place of what it said of them; others stay. `order`: oldest first. */
export function publish(document: string, measured: Matrix, order: readonly string[]): string {
  const old = parsePublished(document);
  const merged: Matrix = {
    cells: new Map([...old.cells, ...measured.cells]),
    notes: new Map([...old.notes, ...measured.notes]),
    releases: new Map([...old.releases, ...measured.releases]),
  };
  const [head, tail] = [
    document.slice(0, document.indexOf(begin)),
    document.slice(document.indexOf(finish) + finish.length),
  ];
  return `${head}${begin}\n${format(merged, order)}\n${finish}${tail}`;
}

/** Where a run differs from what is published of the same kernels, one line each. */
export function differences(published: Matrix, measured: Matrix): string[] {
  return [...measured.cells].flatMap(([kernel, cells]) => {
    const expected = published.cells.get(kernel) ?? new Map<string, string>();
    const names = [...new Set([...expected.keys(), ...cells.keys()])];
    const said = published.notes.get(kernel) ?? [];
    const seen = measured.notes.get(kernel) ?? [];
    return [
      ...names
        .filter((name) => expected.get(name) !== cells.get(name))
        .map(
          (name) =>
            `${kernel}: ${name}: published is "${expected.get(name) ?? ''}", this run has "${cells.get(name) ?? ''}"`,
        ),
      ...said
        .filter((note) => !seen.includes(note))
        .map((note) => `${kernel}: published, but not so in this run: ${note}`),
      ...seen.filter((note) => !said.includes(note)).map((note) => `${kernel}: not published: ${note}`),
    ];
  });
}

function format({ cells, notes, releases }: Matrix, order: readonly string[]): string {
  const kernels = order.filter((kernel) => cells.has(kernel));
  const names = [...new Set(kernels.flatMap((kernel) => [...cells.get(kernel)!.keys()]))];
  const row = (first: string, texts: readonly string[]) => `| ${[first, ...texts].join(' | ')} |`;
  const table = [
    row('program', kernels),
    `|${'---|'.repeat(kernels.length + 1)}`,
    row(
      releaseRow,
      kernels.map((kernel) => releases.get(kernel) ?? ''),
    ),
    ...names.map((name) =>
      row(
        name,
        kernels.map((kernel) => cells.get(kernel)!.get(name) ?? ''),
      ),
    ),
  ];
  const list = kernels.flatMap((kernel) => (notes.get(kernel) ?? []).map((note) => `- ${kernel}: ${note}`));
  return [...table, ...(list.length > 0 ? ['', ...list] : [])].join('\n');
}

function between(document: string): string {
  const [start, stop] = [document.indexOf(begin), document.indexOf(finish)];
  if (start < 0 || stop < start) throw new Error(`docs/kernels.md: ${begin} and ${finish} are not there`);
  return document.slice(start + begin.length, stop);
}
