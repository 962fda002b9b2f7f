/** Names by number from runs of consecutive numbers: `[[1, 'EPERM ENOENT'], …]` gives 1 → EPERM, 2 → ENOENT. */
export function numberedNames(runs: readonly (readonly [first: number, names: string])[]): ReadonlyMap<number, string> {
  const byNumber = new Map<number, string>();
  for (const [first, names] of runs) {
    names.split(/\s+/).forEach((name, index) => {
      byNumber.set(first + index, name);
    });
  }
  return byNumber;
}
