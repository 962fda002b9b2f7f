import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePerfEventSection } from '../../../src/libbpf/attach/perf-event.ts';

for (const [section, expected] of [
  ['type=1,config=2,frequency=99', { type: 1, config: 2n, sampling: { frequency: 99n } }],
  ['type=0x4,config=0xFFFFFFFFFFFFFFFF,sample_period=1', { type: 4, config: 2n ** 64n - 1n, sampling: { period: 1n } }],
  ['sample_period=7,config=3,type=0', { type: 0, config: 3n, sampling: { period: 7n } }],
  ['type=1,frequency=99', { type: 1, config: 0n, sampling: { frequency: 99n } }],
  ['frequency=99', { type: 0, config: 0n, sampling: { frequency: 99n } }],
] as const) {
  test(`perf_event/${section}`, () => {
    assert.deepEqual(parsePerfEventSection('a: b', `perf_event/${section}`), expected);
    assert.deepEqual(parsePerfEventSection('a: b', `?perf_event/${section}`), expected);
  });
}

for (const [section, cause] of [
  ['', '"" is nothing that is known'],
  ['type=1,config=2', 'one of frequency and sample_period is needed'],
  ['type=1,frequency=1,sample_period=1', 'one of frequency and sample_period is needed'],
  ['type=one,frequency=1', '"one" is no number'],
  ['type=-1,frequency=1', '"-1" is no number'],
  ['type=,frequency=1', '"" is no number'],
  ['type=1,type=2,frequency=1', '"type" is there twice'],
  ['type=1,cpu=2,frequency=1', '"cpu=2" is nothing that is known'],
  ['type=1,config=2,frequency=1,', '"" is nothing that is known'],
  ['type = 1,frequency=1', '"type = 1" is nothing that is known'],
] as const) {
  test(`perf_event/${section} is no section`, () => {
    assert.throws(() => parsePerfEventSection('a: b', `perf_event/${section}`), {
      code: 'attach',
      message: `a: b: section "perf_event/${section}": ${cause}`,
      remedy: /^Write it as perf_event\/type=T/,
    });
  });
}
