/** One file that another imports, both by path. */
interface Arrow {
  readonly file: string;
  readonly target: string;
}

/**
 * The circles among files: of each, all the files that lead to one another, in the order of the alphabet (the strongly
 * connected components, by Tarjan's algorithm). Types count as anything else: what two files need of each other, they are
 * read together for.
 */
export function fileCircles(arrows: Iterable<Arrow>): string[][] {
  const targets = new Map<string, string[]>();
  for (const { file, target } of arrows) {
    targets.set(file, [...(targets.get(file) ?? []), target]);
    if (!targets.has(target)) targets.set(target, []);
  }
  const circles: string[][] = [];
  const order = new Map<string, number>();
  const open: string[] = [];
  /** The earliest file still open that is reached from here. */
  function visit(file: string): number {
    const own = order.size;
    let earliest = own;
    order.set(file, own);
    open.push(file);
    for (const target of targets.get(file)!) {
      if (!order.has(target)) earliest = Math.min(earliest, visit(target));
      else if (open.includes(target)) earliest = Math.min(earliest, order.get(target)!);
    }
    if (earliest === own) {
      const together = open.splice(open.indexOf(file));
      if (together.length > 1 || targets.get(file)!.includes(file)) circles.push(together.sort());
    }
    return earliest;
  }
  for (const file of targets.keys()) if (!order.has(file)) visit(file);
  return circles;
}
