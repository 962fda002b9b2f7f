import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AggregationTemporality, InstrumentType } from '@opentelemetry/sdk-metrics';
import { temporalitySelector } from '../../src/readers/temporality.ts';

const DELTA = {
  cumulative: [],
  delta: ['COUNTER', 'GAUGE', 'HISTOGRAM', 'OBSERVABLE_COUNTER', 'OBSERVABLE_GAUGE'],
  low_memory: ['COUNTER', 'HISTOGRAM'],
} as const;

for (const preference of ['cumulative', 'delta', 'low_memory'] as const) {
  test(`${preference}: ${DELTA[preference].join(', ') || 'nothing'} as delta`, () => {
    const select = temporalitySelector(preference);
    const delta = Object.values(InstrumentType).filter((type) => select(type) === AggregationTemporality.DELTA);
    assert.deepEqual(delta.sort(), [...DELTA[preference]]);
  });
}
