import { isUtf8 } from 'node:buffer';

type PrometheusType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';

interface PrometheusSample {
  /** As on its line: of a histogram with `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Milliseconds, where the line has one. */
  readonly timestamp: number | undefined;
}

interface PrometheusFamily {
  readonly type: PrometheusType;
  readonly help: string;
  readonly samples: readonly PrometheusSample[];
}

export interface PrometheusPage {
  /** By the name in HELP and TYPE, in the order of the page. */
  readonly families: ReadonlyMap<string, PrometheusFamily>;
}

interface OpenFamily extends PrometheusFamily {
  readonly name: string;
  readonly samples: PrometheusSample[];
}

const TYPES: ReadonlySet<string> = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const VALUE = /^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|Inf|NaN)$/;

/**
 * Reads a page of the Prometheus text format 0.0.4 and throws, with the line's number and text, where it breaks a rule:
 * HELP, then TYPE, then the samples of a metric, all in one place, nothing twice, buckets that add up.
 * Stricter than Prometheus where it doesn't mind: one space between the parts of a line, no comma behind the last label.
 * `utf8Names` allows quoted names, as `{"a.b",label="x"} 1`, which later versions of the format have.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function parsePrometheusText(
  page: string | Uint8Array,
  { utf8Names = false }: { utf8Names?: boolean } = {},
): PrometheusPage {
  if (typeof page !== 'string' && !isUtf8(page)) throw new Error('page: it is not UTF-8');
  const text = typeof page === 'string' ? page : Buffer.from(page).toString('utf8');
  if (text !== '' && !text.endsWith('\n')) throw new Error('page: its last line does not end with a newline');
  const reader = new PageReader(utf8Names);
  for (const [index, line] of text.split('\n').slice(0, -1).entries()) {
    try {
      reader.read(line);
    } catch (error) {
      throw new Error(`line ${index + 1}: ${(error as Error).message}: ${line}`, { cause: error });
    }
  }
  reader.close();
  return { families: reader.families };
}

class PageReader {
  readonly families = new Map<string, PrometheusFamily>();
  readonly #utf8Names: boolean;
  readonly #seen = new Set<string>();
  #help: { name: string; text: string } | undefined;
  #family: OpenFamily | undefined;

  constructor(utf8Names: boolean) {
    this.#utf8Names = utf8Names;
  }

  read(line: string): void {
    if (line.startsWith('# HELP ')) this.#readHelp(line.slice(7));
    else if (line.startsWith('# TYPE ')) this.#readType(line.slice(7));
    else if (line.startsWith('#') || line === '') return;
    else this.#readSample(line);
  }

  /** The end of the page, or of a metric. */
  close(): void {
    if (this.#help !== undefined) throw new Error(`HELP of ${this.#help.name} has no TYPE behind it`);
    if (this.#family?.type === 'histogram') checkHistogram(this.#family);
    this.#family = undefined;
  }

  #readHelp(rest: string): void {
    this.close();
    const { name, after } = this.#metricName(rest);
    if (this.families.has(name)) throw new Error(`${name} is in two places`);
    if (!after.startsWith(' ')) throw new Error('HELP has no text');
    this.#help = { name, text: unescaped(after.slice(1), false) };
  }

  #readType(rest: string): void {
    const { name, after } = this.#metricName(rest);
    const help = this.#help;
    if (help?.name !== name) throw new Error(`TYPE of ${name} is not behind its HELP`);
    const type = after.slice(1);
    if (!after.startsWith(' ') || !TYPES.has(type)) throw new Error(`"${type}" is no type`);
    this.#help = undefined;
    this.#family = { name, type: type as PrometheusType, help: help.text, samples: [] };
    this.families.set(name, this.#family);
  }

  #readSample(line: string): void {
    const family = this.#family;
    if (family === undefined || this.#help !== undefined) throw new Error('no TYPE in front of it');
    const { name, labels, after } = this.#series(line);
    const suffixes = SUFFIXES[family.type] ?? [''];
    if (!suffixes.some((suffix) => name === family.name + suffix)) {
      throw new Error(`${name} is no sample of the ${family.type} ${family.name}`);
    }
    const [value, timestamp, ...more] = after.slice(1).split(' ');
    if (!after.startsWith(' ') || more.length > 0)
      throw new Error('there must be a value and at most a timestamp, one space apart');
    if (timestamp !== undefined && !/^-?[0-9]+$/.test(timestamp)) throw new Error(`"${timestamp}" is no timestamp`);
    const sample = {
      name,
      labels,
      value: parseValue(value!),
      timestamp: timestamp === undefined ? undefined : Number(timestamp),
    };
    checkSample(family.type, sample);
    const identity = JSON.stringify([name, Object.entries(labels).sort()]);
    if (this.#seen.has(identity)) throw new Error('the series is there twice');
    this.#seen.add(identity);
    family.samples.push(sample);
  }

  #metricName(text: string): { name: string; after: string } {
    if (text.startsWith('"') && this.#utf8Names) {
      const { value, after } = quoted(text);
      return { name: value, after };
    }
    const name = METRIC_NAME.exec(text)?.[0];
    if (name === undefined) throw new Error('it begins with no metric name');
    return { name, after: text.slice(name.length) };
  }

  /** `name`, `name{a="b"}` or `{"name",a="b"}`. */
  #series(line: string): { name: string; labels: Record<string, string>; after: string } {
    const labels: Record<string, string> = Object.create(null);
    let name: string | undefined;
    let rest = line;
    if (!(line.startsWith('{') && this.#utf8Names)) {
      const metric = METRIC_NAME.exec(line)?.[0];
      if (metric === undefined) throw new Error('it begins with no metric name');
      name = metric;
      rest = line.slice(metric.length);
      if (!rest.startsWith('{')) return { name, labels, after: rest };
      if (rest.startsWith('{}')) return { name, labels, after: rest.slice(2) };
    }
    do {
      rest = rest.slice(1);
      if (name === undefined) {
        const metric = quoted(rest);
        name = metric.value;
        rest = metric.after;
      } else {
        rest = this.#label(rest, labels);
      }
    } while (rest.startsWith(','));
    if (!rest.startsWith('}')) throw new Error('the labels do not end with }');
    return { name, labels, after: rest.slice(1) };
  }

  /** Puts one label into `labels`; returns what follows it. */
  #label(text: string, labels: Record<string, string>): string {
    let name = LABEL_NAME.exec(text)?.[0];
    let rest = text.slice(name?.length ?? 0);
    if (name === undefined && this.#utf8Names && text.startsWith('"')) {
      const label = quoted(text);
      name = label.value;
      rest = label.after;
    }
    if (name === undefined || name === '__name__') throw new Error('a label has no name of its own');
    if (name in labels) throw new Error(`the label ${name} is there twice`);
    if (!rest.startsWith('="')) throw new Error(`the label ${name} has no value in quotes`);
    const { value, after } = quoted(rest.slice(1));
    labels[name] = value;
    return after;
  }
}

function quoted(text: string): { value: string; after: string } {
  const match = /^"((?:[^"\\]|\\.)*)"/.exec(text);
  if (match === null) throw new Error('there is no end of the quotes');
  return { value: unescaped(match[1]!, true), after: text.slice(match[0].length) };
}

/** `\\` and `\n`, and between quotes `\"`; nothing else is an escape. */
function unescaped(text: string, quotes: boolean): string {
  return text.replace(/\\(.?)/gs, (written, character: string) => {
    if (character === 'n') return '\n';
    if (character === '\\' || (character === '"' && quotes)) return character;
    throw new Error(`${written} is no escape`);
  });
}

function parseValue(text: string): number {
  if (!VALUE.test(text)) throw new Error(`"${text}" is no value`);
  return Number(text.replace('Inf', 'Infinity'));
}

function checkSample(type: PrometheusType, { name, labels, value }: PrometheusSample): void {
  const counts = type === 'counter' || (type === 'histogram' && !name.endsWith('_sum'));
  if (counts && !(value >= 0)) throw new Error(`a count can't be ${value}`);
  if (type === 'histogram' && name.endsWith('_bucket') !== 'le' in labels) {
    throw new Error('a bucket, and nothing else of a histogram, has the label le');
  }
}

interface HistogramSeries {
  le: number;
  /** Of the buckets so far. */
  count: number;
  /** What _count says. */
  total: number | undefined;
}

/** Each series: its buckets ascending and cumulative up to +Inf, which is _count; the order of the three is free. */
function checkHistogram(family: OpenFamily): void {
  const all = new Map<string, HistogramSeries>();
  let open = '';
  for (const { name, labels, value } of family.samples) {
    const { le, ...others } = labels;
    const identity = JSON.stringify(Object.entries(others).sort());
    const series = all.get(identity) ?? { le: Number.NEGATIVE_INFINITY, count: 0, total: undefined };
    if (identity !== open && all.has(identity)) throw histogramError(family, identity, 'its samples are in two places');
    open = identity;
    all.set(identity, series);
    const part = name.slice(family.name.length);
    if (part === '_bucket') checkBucket(family, identity, series, parseValue(le!), value);
    if (part === '_count') series.total = value;
  }
  for (const [identity, { le, count, total }] of all) {
    if (le !== Number.POSITIVE_INFINITY) throw histogramError(family, identity, 'it has no bucket +Inf');
    if (total === undefined) throw histogramError(family, identity, 'it has no _count');
    if (total !== count) throw histogramError(family, identity, `_count is ${total}, but the bucket +Inf ${count}`);
  }
}

function checkBucket(family: OpenFamily, identity: string, series: HistogramSeries, le: number, count: number): void {
  if (!(le > series.le)) throw histogramError(family, identity, `le ${le} is behind le ${series.le}`);
  if (count < series.count)
    throw histogramError(family, identity, `le ${le} has ${count}, but a lower one ${series.count}`);
  series.le = le;
  series.count = count;
}

function histogramError(family: OpenFamily, labels: string, cause: string): Error {
  return new Error(`histogram ${family.name} ${labels}: ${cause}`);
}
