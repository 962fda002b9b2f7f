import { isLegacyName } from '../../../config/names/escaping.ts';
import { openMetricsUnit, type PrometheusKind } from '../../../config/names/prometheus.ts';
import { labelsText } from '../../../metrics/label-text.ts';
import type { Label } from './family.ts';

/**
 * What the lines of both text formats are made of.
 * Source: prometheus.io/docs/instrumenting/exposition_formats; prometheus.io/docs/specs/om/open_metrics_spec.
 */

/** The two text formats. */
export type TextSyntax = 'text' | 'openmetrics';

/** HELP, TYPE and, in OpenMetrics, UNIT of a family. */
export function familyHeader(
  syntax: TextSyntax,
  name: string,
  metric: { readonly help: string; readonly unit: string; readonly kind: PrometheusKind | 'info' },
): string {
  if (syntax === 'text') {
    const type = metric.kind === 'info' ? 'gauge' : metric.kind;
    return `# HELP ${nameText(name)} ${escapeText(metric.help, /[\\\n]/g)}\n# TYPE ${nameText(name)} ${type}\n`;
  }
  const suffix = { counter: '_total', info: '_info', gauge: '', histogram: '' }[metric.kind];
  // A counter whose name a strategy without suffixes leaves as it is can't be one here.
  const type = name.endsWith(suffix) ? metric.kind : 'unknown';
  const family = type === 'unknown' ? name : name.slice(0, name.length - suffix.length);
  const written = nameText(family);
  const unit = metric.kind === 'info' ? undefined : openMetricsUnit(family, metric.unit, metric.kind);
  return `# HELP ${written} ${escapeText(metric.help, /[\\"\n]/g)}\n# TYPE ${written} ${type}\n${
    unit === undefined ? '' : `# UNIT ${written} ${unit}\n`
  }`;
}

/** A name as comment lines and labels have it. */
export function nameText(name: string): string {
  return isLegacyName(name) ? name : `"${escapeText(name, /[\\"\n]/g)}"`;
}

/** What comes before the labels, and what comes between them and the number. */
interface LineText {
  readonly open: string;
  readonly close: string;
}

/** `labelled` tells whether there are labels to come; `constant` is the text of those that are the same on every line. */
export function lineText(name: string, labelled: boolean, constant: string): LineText {
  if (!isLegacyName(name)) {
    const last = constant === '' ? '' : `,${constant}`;
    return { open: `{${nameText(name)}${labelled ? ',' : ''}`, close: `${last}} ` };
  }
  if (labelled) return { open: `${name}{`, close: constant === '' ? '} ' : `,${constant}} ` };
  return { open: name, close: constant === '' ? ' ' : `{${constant}} ` };
}

/** The line of a bucket, without its `le="…"} `. */
export function bucketText(name: string, labelled: boolean, constant: string): LineText {
  const bucket = `${name}_bucket`;
  const open = isLegacyName(bucket) ? `${bucket}{` : `{${nameText(bucket)},`;
  return { open, close: `${labelled ? ',' : ''}${constant === '' ? '' : `${constant},`}` };
}

/** Bounds as `le` has them; OpenMetrics wants to see that they are floating-point numbers. */
export function leText(syntax: TextSyntax, le: string): string {
  return syntax === 'openmetrics' && /^-?\d+$/.test(le) ? `${le}.0` : le;
}

/** `a="x","b.c"="y"`, of labels by their names on the page. */
export function labelText(labels: readonly Label[]): string {
  return labelsText(
    labels.map(([name]) => nameText(name)),
    labels.map(([, value]) => value),
  );
}

/** Whether a family of this kind without a sum has a count of its own: in OpenMetrics there is none without the other. */
export function hasCount(syntax: TextSyntax, sum: unknown): boolean {
  return syntax === 'text' || sum !== undefined;
}

function escapeText(text: string, characters: RegExp): string {
  return text.replace(characters, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
