// What may be called how, here and on a Prometheus page: names of metrics, labels and the meter. May be imported within
// config by `exporter`, `resolve` and `views.ts`.

import type { TranslationStrategy } from '../exporter/configuration.ts';
import { type Escaping, escapeName } from './escaping.ts';

/**
 * OpenTelemetry's names as a Prometheus page has them. Two strategies keep them as they are, for scrapers that take
 * UTF-8; others know only [a-zA-Z0-9_:].
 * Source: opentelemetry-specification/compatibility/prometheus_and_openmetrics.md; where that leaves room,
 * prometheus/otlptranslator, so that a metric is called the same when it comes through a Collector.
 */

export type PrometheusKind = 'counter' | 'gauge' | 'histogram';

/** UCUM units and what Prometheus calls them. */
const unitWords: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tibibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '1': '',
  '%': 'percent',
};

/** Behind a slash units are singular: requests_per_second. */
const perUnitWords: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  min: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  mo: 'month',
  y: 'year',
};

/**
 * The metric's name on the page: `ebpf.block.io.latency` with unit s is `ebpf_block_io_latency_seconds`.
 * `escaping` is what the scraper asks for where the strategy keeps UTF-8; unset: a page of format 0.0.4.
 */
export function prometheusMetricName(
  name: string,
  unit: string,
  kind: PrometheusKind,
  strategy: TranslationStrategy,
  escaping: Escaping = 'underscores',
): string {
  return escapeName(translated(name, unit, kind, strategy), escaping);
}

function translated(name: string, unit: string, kind: PrometheusKind, strategy: TranslationStrategy): string {
  switch (strategy) {
    case 'underscore_escaping_with_suffixes':
      return underscoreDigit(withSuffixTokens(name.split(/[^a-zA-Z0-9:]+/).filter(Boolean), unit, kind).join('_'));
    case 'underscore_escaping_without_suffixes':
      return underscoreDigit(
        name
          .split(/[^a-zA-Z0-9:_]+/)
          .filter(Boolean)
          .join('_'),
      );
    case 'no_utf8_escaping_with_suffixes':
      return withSuffixes(name, unit, kind);
    case 'no_translation':
      return name;
  }
}

/** Whether the strategy leaves names as OpenTelemetry has them, for scrapers that take UTF-8. */
export function keepsUtf8({ translation }: { readonly translation: TranslationStrategy }): boolean {
  return translation === 'no_utf8_escaping_with_suffixes' || translation === 'no_translation';
}

/**
 * The unit that OpenMetrics names beside a metric, which is always the end of the metric's name there; undefined where
 * there is none. `name` is without the counter's `_total`.
 */
export function openMetricsUnit(name: string, unit: string, kind: PrometheusKind): string | undefined {
  const { main, per } = unitSuffixes(unit);
  const words = [main, per === '' ? '' : `per_${per}`].filter((word) => word !== '').join('_');
  const suffix = words === '' && kind === 'gauge' && unit === '1' ? 'ratio' : words;
  return suffix !== '' && name.endsWith(`_${suffix}`) ? suffix : undefined;
}

/** The label's name on the page: `server.address` is `server_address`, `2xx` is `key_2xx`. */
export function prometheusLabelName(name: string): string {
  const clean = name.replaceAll(/[^a-zA-Z0-9_]/gu, '_');
  return /^[0-9]/.test(clean) ? `key_${clean}` : clean;
}

/** A suffix whose word is in the name already is not repeated; `total` moves to the end. */
function withSuffixTokens(tokens: readonly string[], unit: string, kind: PrometheusKind): string[] {
  const { main, per } = unitSuffixes(unit);
  const result = [...tokens];
  if (main !== '' && !result.includes(main)) result.push(main);
  if (per !== '' && !result.includes(per)) result.push('per', per);
  const last = lastSuffix(unit, kind);
  return last === '' ? result : [...result.filter((token) => token !== last), last];
}

function withSuffixes(name: string, unit: string, kind: PrometheusKind): string {
  const { main, per } = unitSuffixes(unit);
  const last = lastSuffix(unit, kind);
  const words = [main, per === '' ? '' : `per_${per}`];
  let result = last === '' ? name : withoutSuffix(name, last);
  for (const word of words) if (word !== '') result = `${withoutSuffix(result, word)}_${word}`;
  return last === '' ? result : `${result}_${last}`;
}

function withoutSuffix(name: string, suffix: string): string {
  const start = name.length - suffix.length - 1;
  return start > 0 && name.endsWith(suffix) && /[^a-zA-Z0-9]/.test(name[start]!) ? name.slice(0, start) : name;
}

function lastSuffix(unit: string, kind: PrometheusKind): string {
  if (kind === 'counter') return 'total';
  return kind === 'gauge' && unit === '1' ? 'ratio' : '';
}

/** `By/s` is bytes, second; annotations such as {packet} say nothing. */
function unitSuffixes(unit: string): { main: string; per: string } {
  const slash = unit.indexOf('/');
  const main = (slash === -1 ? unit : unit.slice(0, slash)).trim();
  const per = slash === -1 ? '' : unit.slice(slash + 1).trim();
  return { main: unitWord(main, unitWords), per: unitWord(per, perUnitWords) };
}

function unitWord(unit: string, words: Readonly<Record<string, string>>): string {
  if (/[{}]/.test(unit)) return '';
  const word = Object.hasOwn(words, unit) ? words[unit]! : unit;
  return word.replaceAll(/[^a-zA-Z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '');
}

function underscoreDigit(name: string): string {
  return /^[0-9]/.test(name) ? `_${name}` : name;
}
