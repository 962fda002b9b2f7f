import { getppid } from '../../fixtures/plan.ts';
import type { Collector } from '../../helpers/collector.ts';
import { RunningMeter } from '../../helpers/process.ts';
import { type ProgramFolder, programFolder } from '../../helpers/program-folder.ts';

export type Temporality = 'cumulative' | 'delta';

/** Counts this process's calls of getppid, and the sizes that the fixture makes up for them. */
export function counting(): ProgramFolder {
  const yaml = `
constants: {wanted_pid: ${process.pid}, wanted_call: ${getppid}}
maps:
  calls: {labels: [{name: kind}]}
  io: {cache: io_cache}
metrics:
  counters:
    - {name: calls, unit: '{call}', help: Calls}
  histograms:
    - {name: io.size, unit: By, help: Sizes, map: io, field: size}
`;
  return programFolder({ native: { yaml, object: 'native-style' } });
}

/** Starts a meter that pushes every 100 ms with these settings of its exporter, and has a Prometheus page too. */
export function pushTo(
  endpoint: string,
  folder: ProgramFolder,
  protocol: 'grpc' | 'http',
  settings: Readonly<Record<string, unknown>> = {},
): Promise<RunningMeter> {
  const exporter = { [`otlp_${protocol}`]: { endpoint, ...settings } };
  const readers = [{ periodic: { interval: 100, timeout: 30_000, exporter } }];
  const file = folder.file('otel.conf', JSON.stringify({ file_format: '1.1', meter_provider: { readers } }));
  return RunningMeter.start(['--no-shipped', '--programs', folder.path, '--config', file]);
}

/** What a metric counted in all, as a consumer of that temporality would tell. */
export function stored(collector: Pick<Collector, 'points'>, metric: string, temporality: Temporality): number {
  return totalOf(collector.points(metric), temporality);
}

export function totalOf(
  points: readonly { readonly attributes: Readonly<Record<string, unknown>>; readonly value: number }[],
  temporality: Temporality,
): number {
  const last = new Map(points.map((point) => [JSON.stringify(point.attributes), point]));
  const counting = temporality === 'cumulative' ? [...last.values()] : points;
  return counting.reduce((sum, { value }) => sum + value, 0);
}

/** What was sent again although it may have been stored. */
export async function unclear(meter: RunningMeter, metric: string): Promise<number> {
  return (await meter.scrape()).total('ebpf_meter_export_unclear_total', { metric });
}
