export interface Row {
  readonly name: string;
  readonly figure: string;
  readonly goal?: number | undefined;
  readonly peer?: number | undefined;
  readonly floor?: number | undefined;
  readonly note: string;
}

/** Minimum of all and the median of each process: `3.1 (3.4, 3.5)`. */
export function summary(processes: readonly (readonly number[])[]): string {
  const minimum = Math.min(...processes.flat());
  return `${digits(minimum)} (${processes.map((values) => digits(median(values))).join(', ')})`;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

export function printTable(title: string, rows: readonly Row[]): void {
  const cells = rows.map(({ name, figure, goal, peer, floor, note }) => [
    name,
    figure,
    goal === undefined ? '' : `≤ ${goal}`,
    peer === undefined ? '' : String(peer),
    floor === undefined ? '' : digits(floor),
    note,
  ]);
  const table = [['', 'ebpf-meter', 'goal', 'ebpf_exporter', 'floor', ''], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  process.stdout.write(`${title}\n`);
  for (const row of table) {
    process.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
  process.stdout.write('\n');
}

function digits(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
