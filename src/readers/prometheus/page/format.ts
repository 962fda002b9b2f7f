import { type PageSyntax, pageSyntaxes } from '../../../config/exporter/configuration.ts';
import { type Escaping, escapings } from '../../../config/names/escaping.ts';

/** What a page is written in. The same object for the same format. */
export interface PageFormat {
  readonly syntax: PageSyntax;
  /** How names outside [a-zA-Z0-9_:] are written. */
  readonly escaping: Escaping;
  readonly contentType: string;
}

interface Format {
  readonly type: string;
  /** The value of `version` that asks for it, '' being none given; undefined: the parameter means nothing here. */
  readonly version: string | undefined;
  readonly syntax: PageSyntax;
  /** Whether names in quotes are part of it. */
  readonly utf8: boolean;
  contentType(escaping: Escaping): string;
}

const text = (version: string): string => `text/plain; version=${version}; charset=utf-8`;
const openMetrics = (version: string): string => `application/openmetrics-text; version=${version}; charset=utf-8`;
const protobuf =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=';

/** Where a version isn't given, the oldest is meant. */
const formats: readonly Format[] = [
  { type: 'text/plain', version: '', syntax: 'text', utf8: false, contentType: () => text('0.0.4') },
  { type: 'text/plain', version: '0.0.4', syntax: 'text', utf8: false, contentType: () => text('0.0.4') },
  {
    type: 'text/plain',
    version: '1.0.0',
    syntax: 'text',
    utf8: true,
    contentType: (escaping) => `${text('1.0.0')}; escaping=${escaping}`,
  },
  {
    type: 'application/openmetrics-text',
    version: '',
    syntax: 'openmetrics',
    utf8: false,
    contentType: () => openMetrics('0.0.1'),
  },
  {
    type: 'application/openmetrics-text',
    version: '0.0.1',
    syntax: 'openmetrics',
    utf8: false,
    contentType: () => openMetrics('0.0.1'),
  },
  {
    type: 'application/openmetrics-text',
    version: '1.0.0',
    syntax: 'openmetrics',
    utf8: true,
    contentType: (escaping) => `${openMetrics('1.0.0')}; escaping=${escaping}`,
  },
  {
    type: 'application/vnd.google.protobuf',
    version: undefined,
    syntax: 'protobuf',
    utf8: true,
    contentType: (escaping) => protobuf + escaping,
  },
];

const made = new Map<string, PageFormat>();

/** What a scraper gets who asks for nothing, or for nothing that we have. */
export const textFormat: PageFormat = pageFormat(formats[1]!, 'underscores');

/**
 * The format that an Accept header wants most of those that are offered, by its quality values; of equal ones the first.
 * Source: RFC 9110 section 12.5.1; prometheus.io/docs/instrumenting/content_negotiation, which also says to answer in
 * text 0.0.4 where nothing fits, and to escape by underscores where nothing is said.
 */
export function negotiateFormat(accept: string | undefined, offered: readonly PageSyntax[] = pageSyntaxes): PageFormat {
  const ranges = mediaRanges(accept ?? '');
  for (const range of ranges) {
    const { type, parameters } = range;
    if (type === '*/*' || type === 'text/*') return textFormat;
    const format = formats.find(
      (one) => one.type === type && (one.version === undefined || one.version === (parameters.get('version') ?? '')),
    );
    if (format === undefined || !offered.includes(format.syntax)) continue;
    if (format.syntax === 'protobuf' && !isDelimitedFamilies(parameters)) continue;
    return pageFormat(format, escapingOf(range, format, ranges));
  }
  return textFormat;
}

interface MediaRange {
  /** In lower case. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** Those that are wanted at all, the best first. */
function mediaRanges(accept: string): MediaRange[] {
  const ranges = accept.split(',').map((part): MediaRange => {
    const [type, ...rest] = part.split(';');
    const parameters = new Map<string, string>();
    for (const parameter of rest) {
      const [name = '', value = ''] = parameter.split('=', 2);
      parameters.set(name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1'));
    }
    return { type: type!.trim().toLowerCase(), parameters, quality: quality(parameters.get('q')) };
  });
  return ranges.filter((range) => range.quality > 0).sort((one, other) => other.quality - one.quality);
}

/** 1 where none is given, 0 where it is no number: what isn't understood is not taken. */
export function quality(text: string | undefined): number {
  if (text === undefined) return 1;
  return /^(?:0(?:\.\d*)?|1(?:\.0*)?)$/.test(text) ? Number(text) : 0;
}

function isDelimitedFamilies(parameters: ReadonlyMap<string, string>): boolean {
  return parameters.get('proto') === 'io.prometheus.client.MetricFamily' && parameters.get('encoding') === 'delimited';
}

/**
 * Prometheus gives the scheme with its text formats alone. A scraper that takes UTF-8 there takes it in protobuf too,
 * and the names must not change with the format.
 */
function escapingOf(range: MediaRange, format: Format, ranges: readonly MediaRange[]): Escaping {
  const candidates = format.syntax === 'protobuf' ? [range, ...ranges] : [range];
  const given = candidates.map(({ parameters }) => parameters.get('escaping')).find((name) => name !== undefined);
  const escaping = escapings.find((known) => known === given) ?? 'underscores';
  return escaping === 'allow-utf-8' && !format.utf8 ? 'underscores' : escaping;
}

function pageFormat(format: Format, escaping: Escaping): PageFormat {
  const contentType = format.contentType(escaping);
  const key = `${contentType} ${escaping}`;
  let known = made.get(key);
  if (known === undefined) {
    known = { syntax: format.syntax, escaping, contentType };
    made.set(key, known);
  }
  return known;
}
