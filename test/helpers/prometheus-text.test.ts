import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrometheusText } from './prometheus-text.ts';

const HISTOGRAM = `# HELP h Time
# TYPE h histogram
h_bucket{dev="a",le="0.1"} 1
h_bucket{dev="a",le="1"} 3
h_bucket{dev="a",le="+Inf"} 4
h_sum{dev="a"} 2.5
h_count{dev="a"} 4
h_bucket{dev="b",le="+Inf"} 0
h_count{dev="b"} 0
`;

test('a page comes out as families with their samples', () => {
  const { families } = parsePrometheusText(
    `# HELP c_total One\\nhelp, a \\\\ and "quotes"
# TYPE c_total counter
c_total 3
c_total{} 4 1395066363000
c_total{a="x\\\\y\\"z\\n",b=""} 1.5e+3
# a comment

# HELP g Other
# TYPE g gauge
g{a="1"} -Inf
g{a="2"} NaN
g{a="3"} +0.25
${HISTOGRAM}`.replace('c_total{} 4', 'c_total{z="é"} 4'),
  );
  assert.deepEqual([...families.keys()], ['c_total', 'g', 'h']);
  const counter = families.get('c_total')!;
  assert.equal(counter.type, 'counter');
  assert.equal(counter.help, 'One\nhelp, a \\ and "quotes"');
  assert.deepEqual(
    counter.samples.map(({ labels, value, timestamp }) => [{ ...labels }, value, timestamp]),
    [
      [{}, 3, undefined],
      [{ z: 'é' }, 4, 1395066363000],
      [{ a: 'x\\y"z\n', b: '' }, 1500, undefined],
    ],
  );
  assert.deepEqual(
    families.get('g')!.samples.map(({ value }) => value),
    [Number.NEGATIVE_INFINITY, Number.NaN, 0.25],
  );
  assert.equal(families.get('h')!.samples.length, 7);
});

test('an empty page, a metric without samples and no labels in braces are right', () => {
  assert.equal(parsePrometheusText('').families.size, 0);
  assert.equal(parsePrometheusText('# HELP c x\n# TYPE c counter\n').families.get('c')!.samples.length, 0);
  assert.equal(parsePrometheusText(`${head('c', 'counter')}c{} 1\n`).families.get('c')!.samples.length, 1);
});

test("the buckets of a histogram may come last, as in OpenTelemetry's own pages", () => {
  const [buckets, rest] = [
    HISTOGRAM.match(/h_bucket\{dev="a".*\n/g)!.join(''),
    'h_sum{dev="a"} 2.5\nh_count{dev="a"} 4\n',
  ];
  const page = HISTOGRAM.replace(buckets + rest, rest + buckets);
  assert.notEqual(page, HISTOGRAM);
  assert.equal(parsePrometheusText(page).families.get('h')!.samples.length, 7);
});

test('quoted names are read where they are allowed', () => {
  const page = '# HELP "a.b" x\n# TYPE "a.b" counter\n{"a.b","l.m"="1",n="2"} 5\n{"a.b"} 6\n';
  const family = parsePrometheusText(page, { utf8Names: true }).families.get('a.b')!;
  assert.deepEqual({ ...family.samples[0]!.labels }, { 'l.m': '1', n: '2' });
  assert.equal(family.samples[1]!.value, 6);
  assert.throws(() => parsePrometheusText(page), /line 1: it begins with no metric name/);
});

function head(name: string, type: string): string {
  return `# HELP ${name} text\n# TYPE ${name} ${type}\n`;
}

const counter = head('c', 'counter');
const wrong: readonly (readonly [what: string, page: string | Uint8Array, message: RegExp])[] = [
  ['no newline at the end', `${counter}c 1`, /last line does not end with a newline/],
  ['not UTF-8', Buffer.of(0x23, 0xff, 0x0a), /not UTF-8/],
  ['a sample without TYPE', 'c 1\n', /^Error: line 1: no TYPE in front of it: c 1$/],
  ['TYPE without HELP', '# TYPE c counter\nc 1\n', /line 1: TYPE of c is not behind its HELP/],
  ['HELP of another metric', '# HELP d x\n# TYPE c counter\n', /line 2: TYPE of c/],
  ['HELP without TYPE', '# HELP c x\n', /HELP of c has no TYPE/],
  ['HELP without TYPE in front of a sample', '# HELP c x\nc 1\n', /line 2: no TYPE/],
  ['a second TYPE', `${counter}# TYPE c counter\n`, /line 3: TYPE of c is not behind its HELP/],
  ['HELP without text', '# HELP c\n', /HELP has no text/],
  ['an unknown type', '# HELP c x\n# TYPE c count\n', /"count" is no type/],
  [
    'a metric in two places',
    `${counter}c 1\n${head('d', 'gauge')}d 1\n${counter}c{a="1"} 1\n`,
    /line 7: c is in two places/,
  ],
  ['a sample of another metric', `${counter}d 1\n`, /d is no sample of the counter c/],
  ['a suffix that a counter has not', `${counter}c_sum 1\n`, /c_sum is no sample/],
  ['a series twice', `${counter}c{a="1",b="2"} 1\nc{b="2",a="1"} 1\n`, /line 4: the series is there twice/],
  ['a series without labels twice', `${counter}c 1\nc{} 1\n`, /line 4: the series is there twice/],
  ['a bad metric name', `${counter}1c 1\n`, /no metric name/],
  ['a dot in a name', `${counter}c.d 1\n`, /there must be a value/],
  ['a bad label name', `${counter}c{a-b="1"} 1\n`, /a has no value in quotes/],
  ['a colon in a label name', `${counter}c{a:b="1"} 1\n`, /a has no value in quotes/],
  ['a label without name', `${counter}c{="1"} 1\n`, /no name of its own/],
  ['the label __name__', `${counter}c{__name__="1"} 1\n`, /no name of its own/],
  ['a label twice', `${counter}c{a="1",a="2"} 1\n`, /the label a is there twice/],
  ['a comma behind the last label', `${counter}c{a="1",} 1\n`, /no name of its own/],
  ['a space in the labels', `${counter}c{a="1", b="2"} 1\n`, /no name of its own/],
  ['a label that does not end', `${counter}c{a="1} 1\n`, /no end of the quotes/],
  ['labels that do not end', `${counter}c{a="1" 1\n`, /do not end with }/],
  ['a wrong escape in a label', `${counter}c{a="\\t"} 1\n`, /\\t is no escape/],
  ['a wrong escape in HELP', '# HELP c \\"\n', /\\" is no escape/],
  ['a backslash at the end of HELP', '# HELP c \\\n', /is no escape/],
  ['no value', `${counter}c\n`, /there must be a value/],
  ['an empty value', `${counter}c \n`, /"" is no value/],
  ['a value that is none', `${counter}c 0x1\n`, /"0x1" is no value/],
  ['Infinity', `${counter}c Infinity\n`, /"Infinity" is no value/],
  ['two spaces', `${counter}c  1\n`, /is no value|at most a timestamp/],
  ['a fraction as timestamp', `${counter}c 1 1.5\n`, /"1.5" is no timestamp/],
  ['something behind the timestamp', `${counter}c 1 1 1\n`, /at most a timestamp/],
  ['a negative counter', `${counter}c -1\n`, /a count can't be -1/],
  ['a counter that is no number', `${counter}c NaN\n`, /a count can't be NaN/],
  ['a carriage return', `${counter}c 1\r\n`, /is no value/],
  ['a bucket without le', `${head('h', 'histogram')}h_bucket 1\n`, /has the label le/],
  ['a count with le', `${head('h', 'histogram')}h_count{le="1"} 1\n`, /has the label le/],
  ['a histogram without suffix', `${head('h', 'histogram')}h 1\n`, /h is no sample of the histogram h/],
  ['an le that is no number', HISTOGRAM.replace('"0.1"', '"x"'), /"x" is no value/],
  ['no +Inf', HISTOGRAM.replace('h_bucket{dev="a",le="+Inf"} 4\n', '').replace('"a"} 4', '"a"} 3'), /no bucket \+Inf/],
  ['buckets that fall', HISTOGRAM.replace('le="1"} 3', 'le="1"} 0'), /le 1 has 0, but a lower one 1/],
  ['buckets out of order', HISTOGRAM.replace('"0.1"', '"2"'), /le 1 is behind le 2/],
  ['an le twice in two spellings', HISTOGRAM.replace('"0.1"', '"1.0"'), /le 1 is behind le 1/],
  [
    '_count that is not +Inf',
    HISTOGRAM.replace('h_count{dev="a"} 4', 'h_count{dev="a"} 5'),
    /_count is 5, but the bucket \+Inf 4/,
  ],
  ['no _count', HISTOGRAM.replace('h_count{dev="a"} 4\n', ''), /\["dev","a"\].*: it has no _count/],
  ['a histogram in two places', `${HISTOGRAM.replace('h_sum{dev="a"} 2.5\n', '')}h_sum{dev="a"} 2.5\n`, /two places/],
];

for (const [what, page, message] of wrong) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parsePrometheusText(page), message);
  });
}
