import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failures, matrixOf, summary, totals } from './matrix.ts';
import { differences, parsePublished, publish } from './published.ts';
import { common, type Hook, type HookWay, type KernelResult, subjectOf, type TestResult } from './results.ts';

const page = '# Kernels\n\n<!-- matrix -->\n<!-- /matrix -->\n\nMore.\n';
const order = ['5.10', '6.1', 'newest'];

const hook = (section: string, attached = true): Hook => ({
  bpfProgram: section.split('/')[1]!,
  section,
  attached,
  problem: attached ? undefined : 'ESRCH',
});
const way = (name: string, taken?: string): HookWay => ({ hook: name, way: taken, problem: undefined });
const tested = (file: string, outcome: TestResult['outcome'] = 'passed', name = 'counts'): TestResult => ({
  file: `test/kernel/${file}.test.ts`,
  name,
  outcome,
});

const good: KernelResult = {
  kernel: '6.1',
  release: '6.1.0-56-amd64',
  seconds: 140.4,
  programs: [
    {
      name: 'tcp',
      hooks: [hook('tp_btf/one'), hook('tp_btf/two'), hook('fentry/three')],
      ways: [],
      problem: undefined,
    },
    { name: 'udp', hooks: [hook('?kprobe/four')], ways: [way('read', 'kprobe')], problem: undefined },
  ],
  tests: [tested('programs/tcp'), tested('programs/tcp-connections'), tested('programs/load'), tested('maps/readers')],
  problems: [],
};

const bad: KernelResult = {
  ...good,
  kernel: '5.10',
  release: '5.10.0-46-amd64',
  programs: [
    { name: 'tcp', hooks: [hook('tp_btf/one'), hook('fentry/three', false)], ways: [way('one')], problem: undefined },
    { name: 'udp', hooks: [], ways: [], problem: 'udp: ENOENT:\nno such thing' },
    { name: 'lock', hooks: [], ways: [way('contention'), way('spin')], problem: undefined },
  ],
  tests: [
    tested('programs/tcp', 'failed'),
    tested('programs/tcp', 'passed', 'other'),
    { ...tested('programs/udp', 'skipped'), reason: 'since 6.1' },
    tested('programs/lock', 'skipped'),
  ],
  problems: ['the VM ended'],
};

test('tests belong to the program whose name their file begins with, the longest', () => {
  const programs = ['tcp', 'tcp-rtt', 'page_cache', 'page_cache_lookup'].map((name) => ({ name }));
  const subject = (file: string) => subjectOf(`test/kernel/${file}.test.ts`, programs);
  assert.equal(subject('programs/tcp'), 'tcp');
  assert.equal(subject('programs/tcp-connections'), 'tcp');
  assert.equal(subject('programs/tcp-rtt'), 'tcp-rtt');
  assert.equal(subject('programs/tcpx'), common);
  assert.equal(subject('programs/page_cache_lookup'), 'page_cache_lookup');
  assert.equal(subject('maps/tcp'), common);
});

test('cells say how many are attached by what, and whether they count right', () => {
  const { cells, notes } = matrixOf([good, bad]);
  assert.deepEqual(Object.fromEntries(cells.get('6.1')!), {
    tcp: '3 of 3 by fentry and tp_btf, right',
    udp: '1 of 1 by kprobe, not tested',
    [common]: 'right',
  });
  assert.deepEqual(Object.fromEntries(cells.get('5.10')!), {
    tcp: '1 of 2 by tp_btf, wrong',
    udp: 'not loaded, not tested',
    lock: 'no way in, not tested',
    [common]: 'not tested',
  });
  assert.deepEqual(notes.get('6.1'), []);
  assert.deepEqual(notes.get('5.10'), [
    '`tcp`: not attached: `three` (fentry/three)',
    '`tcp`: no way in to `one`',
    '`udp` is not loaded: udp: ENOENT: no such thing',
    '`lock`: no way in to `contention`, `spin`',
    '`test/kernel/programs/tcp.test.ts`: "counts" fails',
    '`test/kernel/programs/udp.test.ts`: "counts" is skipped: since 6.1',
    '`test/kernel/programs/lock.test.ts`: "counts" is skipped',
  ]);
});

test('what is published is read back, and kernels that were not run stay', () => {
  const first = publish(page, matrixOf([bad, good]), order);
  assert.match(
    first,
    /^# Kernels\n\n<!-- matrix -->\n\| program \| 5\.10 \| 6\.1 \|\n(.|\n)*<!-- \/matrix -->\n\nMore\.\n$/,
  );
  assert.deepEqual(differences(parsePublished(first), matrixOf([good, bad])), []);

  const newest = { ...good, kernel: 'newest' };
  const second = publish(first, matrixOf([newest]), order);
  assert.deepEqual(differences(parsePublished(second), matrixOf([good, bad, newest])), []);
  assert.equal(publish(second, matrixOf([good]), order), second);
});

test('every difference of a kernel that was run is said, and none of others', () => {
  const published = parsePublished(publish(page, matrixOf([bad, good]), order));
  const another = { ...bad, release: '5.10.0-47-amd64', programs: bad.programs.slice(0, 1), tests: bad.tests.slice(1) };
  assert.deepEqual(differences(published, matrixOf([another])), [
    '5.10: tcp: published is "1 of 2 by tp_btf, wrong", this run has "1 of 2 by tp_btf, right"',
    '5.10: udp: published is "not loaded, not tested", this run has ""',
    '5.10: lock: published is "no way in, not tested", this run has ""',
    '5.10: published, but not so in this run: `udp` is not loaded: udp: ENOENT: no such thing',
    '5.10: published, but not so in this run: `lock`: no way in to `contention`, `spin`',
    '5.10: published, but not so in this run: `test/kernel/programs/tcp.test.ts`: "counts" fails',
  ]);
  const unknown = differences(parsePublished(page), matrixOf([good]));
  assert.equal(unknown[0], '6.1: tcp: published is "", this run has "3 of 3 by fentry and tp_btf, right"');
  assert.throws(() => parsePublished('# Kernels\n'), /docs\/kernels\.md: <!-- matrix -->/);
});

test('a run ends with the numbers, and fails for tests and for the VM', () => {
  assert.equal(
    summary([bad, good]),
    [
      'program       5.10 (5.10.0-46-amd64)                     6.1 (6.1.0-56-amd64)',
      'tcp           1 of 2 by tp_btf; 1 passed, 1 failed       3 of 3 by fentry and tp_btf; 2 passed, 0 failed',
      'udp           not loaded; 0 passed, 0 failed, 1 skipped  1 of 1 by kprobe; 0 passed, 0 failed',
      'lock          no way in; 0 passed, 0 failed, 1 skipped',
      'loader, maps  0 passed, 0 failed                         2 passed, 0 failed',
      'time          140 s                                      140 s',
    ].join('\n'),
  );
  assert.deepEqual(failures(good), []);
  assert.deepEqual(failures(bad), ['the VM ended', 'test/kernel/programs/tcp.test.ts: counts']);
});

test('a run of some tests alone ends with their number, whose ever they are', () => {
  const some = { ...bad, programs: [] };
  assert.equal(totals([some]), '5.10 (5.10.0-46-amd64): 1 passed, 1 failed, 2 skipped; 140 s');
});
