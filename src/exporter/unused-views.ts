import type { ExporterConfig } from '../config/exporter/configuration.ts';
import { scopeName } from '../config/names/scope.ts';
import { selects } from '../config/views.ts';
import { nearest } from '../config/yaml/nearest.ts';
import { ownInstruments } from '../metrics/own/instruments.ts';
import type { PreparedPrograms } from '../programs/prepare.ts';
import { version } from '../version.ts';

/** What the SDK's exponential histograms begin with, whatever a view says. */
const sdkMaxScale = 20;

/** One line, with its place, for each view that changes nothing, or not all that it says. */
export function unusedViews(
  { unmatchedViews, programs }: Pick<PreparedPrograms, 'unmatchedViews' | 'programs'>,
  config: Pick<ExporterConfig, 'views' | 'bpfStats' | 'compatibleMetrics' | 'namespace'>,
): readonly string[] {
  const { views = [] } = config;
  const scaled = views.filter(
    ({ aggregation }) =>
      aggregation?.kind === 'base2_exponential_bucket_histogram' && aggregation.maxScale < sdkMaxScale,
  );
  if (unmatchedViews.length === 0 && scaled.length === 0) return [];
  const own = ownInstruments(config);
  const scope = { name: scopeName, version };
  const histograms = own.filter(({ type }) => type === 'histogram');
  const ignored = scaled.filter(({ selector }) => histograms.some((one) => selects(selector, one, scope)));
  const unused = unmatchedViews.filter(({ selector }) => !own.some((one) => selects(selector, one, scope)));
  const metrics = programs.flatMap(({ plan }) => plan.tables.flatMap((table) => table.metrics));
  const names = [...metrics, ...own].map(({ name }) => name);
  const lines = ignored.map(({ at: { file, line, column } }) => {
    return `${file}:${line}:${column}: "max_scale" isn't supported for ebpf-meter's own histograms, which begin with ${sdkMaxScale}`;
  });
  const unusedLines = unused.map(({ selector, selectorAt: { file, line, column } }) => {
    const meant = selector.instrumentName === undefined ? undefined : meantBy(selector.instrumentName, names);
    const hint = meant === undefined ? '' : `, did you mean "${meant}"?`;
    return `${file}:${line}:${column}: the view matches no metric that there is, and changes nothing${hint}`;
  });
  return [...lines, ...unusedLines];
}

/** A name without its namespace is too far from the whole one to be its nearest. */
function meantBy(written: string, names: readonly string[]): string | undefined {
  const meant = names.find((name) => name.endsWith(`.${written}`)) ?? nearest(written, names);
  return meant === written ? undefined : meant;
}
