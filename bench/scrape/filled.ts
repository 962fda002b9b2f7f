import { buildProgram } from './build.ts';
import type { Case } from './cases.ts';
import { Exporter } from './exporter.ts';
import { Filler, findMap } from './fill.ts';
import { unlimited } from './unlimited.ts';

/** A process that exports a case's map, what fills it, and the map's id. `options` come behind those that choose the program. */
export async function startFilled(
  main: string,
  bench: Pick<Case, 'entries' | 'kind'>,
  options: readonly string[] = unlimited(bench),
  nodeOptions: readonly string[] = [],
): Promise<{ exporter: Exporter; filler: Filler; mapId: number }> {
  const { directory, program } = buildProgram(bench);
  const exporter = await Exporter.start(
    main,
    ['--no-shipped', '--programs', directory, '--only', program, ...options],
    nodeOptions,
  );
  const { id, fd } = findMap(bench.kind === 'counters' ? 'bench_counters' : 'bench_histos');
  return { exporter, filler: new Filler(fd, bench), mapId: id };
}
