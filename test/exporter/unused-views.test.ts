import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ViewConfig } from '../../src/config/exporter/configuration.ts';
import { unusedViews } from '../../src/exporter/unused-views.ts';
import { counter, programPlan, tablePlan } from '../helpers/fake-maps.ts';

const plan = programPlan('p', [tablePlan('m', [], 1, [counter('ebpf.block.io.errors')])]);

/** What is said of such a selector in line 7, none of whose metrics a program has. */
function said(selector: ViewConfig['selector'], config: Partial<Parameters<typeof unusedViews>[1]> = {}) {
  const place = (line: number) => ({ file: 'f.yaml', line, column: 5, excerpt: '' });
  const unmatchedViews = [{ selector, at: place(9), selectorAt: place(7) }];
  const programs = [{ plan, object: undefined }];
  const found = unusedViews({ unmatchedViews, programs }, { bpfStats: false, namespace: 'ebpf', ...config });
  const start = 'f.yaml:7:5: the view matches no metric that there is, and changes nothing';
  return found.map((line) => (line.startsWith(start) ? line.slice(start.length) : line));
}

for (const [selector, expected] of [
  [{ instrumentName: 'block.io.errors' }, [', did you mean "ebpf.block.io.errors"?']],
  [{ instrumentName: 'ebpf.blok.io.errors' }, [', did you mean "ebpf.block.io.errors"?']],
  [{ instrumentName: 'process.cpu.tiem' }, [', did you mean "process.cpu.time"?']],
  [{ instrumentName: 'nothing.like.it.anywhere' }, ['']],
  [{ instrumentName: 'x.*' }, ['']],
  [{ instrumentType: 'counter' }, ['']],
  [{ meterName: 'other' }, ['']],
  [{ meterVersion: '0.0.0-none' }, ['']],
  [{ meterSchemaUrl: 'https://example.org/1' }, ['']],
  [{ instrumentName: 'process.cpu.time', unit: 'ms' }, ['']],
  // The exporter's own.
  [{ instrumentName: 'process.cpu.time', unit: 's' }, []],
  [{ instrumentName: 'process.*', instrumentType: 'observable_up_down_counter' }, []],
  [{ instrumentName: 'ebpf_meter.read.duration', instrumentType: 'histogram' }, []],
  [{ instrumentName: 'ebpf_meter.export.unclear', meterName: 'ebpf-meter' }, []],
  [{ meterSchemaUrl: '' }, []],
] as const satisfies readonly (readonly [ViewConfig['selector'], readonly string[]])[]) {
  test(`a view of ${JSON.stringify(selector)}`, () => assert.deepEqual(said(selector), expected));
}

test('a scale of the own histograms that is not kept', () => {
  const at = { file: 'f.yaml', line: 9, column: 5, excerpt: '' };
  const said = (instrumentName: string, maxScale: number) => {
    const aggregation = { kind: 'base2_exponential_bucket_histogram', maxScale, maxSize: 160, minMax: true } as const;
    const views = [{ selector: { instrumentName }, aggregation, at, selectorAt: at }];
    return unusedViews({ unmatchedViews: [], programs: [] }, { views, bpfStats: false, namespace: 'ebpf' });
  };
  assert.deepEqual(said('ebpf_meter.read.duration', 3), [
    'f.yaml:9:5: "max_scale" isn\'t supported for ebpf-meter\'s own histograms, which begin with 20',
  ]);
  assert.deepEqual(said('ebpf_meter.read.duration', 20), []);
  assert.deepEqual(said('ebpf_meter.series', 3), []);
  assert.deepEqual(said('ebpf.block.io.size', 3), []);
});

test('what only some configurations have', () => {
  const runTime = { instrumentName: 'ebpf_meter.bpf.run_time' };
  assert.equal(said(runTime).length, 1);
  assert.deepEqual(said(runTime, { bpfStats: true }), []);
  const configs = { instrumentName: 'ebpf_exporter.enabled_configs' };
  assert.equal(said(configs, { namespace: 'ebpf_exporter' }).length, 1);
  assert.deepEqual(said(configs, { namespace: 'ebpf_exporter', compatibleMetrics: true }), []);
});
