import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasPmu } from '../../../src/kernel/pmu.ts';
import { startProgram } from '../../../src/programs/start.ts';
import { onlineCpus } from '../../helpers/online-cpus.ts';
import { type Counting, planOf, readCounts } from './counting.ts';

const path = join(import.meta.dirname, '../../../config/programs/cpu_cache.yaml');
const metrics = ['cpu.instructions', 'cpu.cycles', 'cpu.cache.references', 'cpu.cache.misses'];

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

async function all(counting: Counting): Promise<ReadonlyMap<string, number>[]> {
  const values: ReadonlyMap<string, number>[] = [];
  for (const metric of metrics) values.push(await counting.numbers(metric));
  return values;
}

test('the PMU counts on every CPU; without one all is absent, with one line', async () => {
  using running = startProgram(planOf(readFileSync(path, 'utf8')), undefined);
  if (!hasPmu()) {
    assert.deepEqual(
      running.absent.map((absent) => [absent.level, absent.metrics]),
      [['info', metrics]],
    );
    assert.deepEqual([running.attached, running.plan.tables], [[], []]);
    return;
  }
  assert.deepEqual(running.absent, []);
  const counting = readCounts(running.plan, running);
  const before = await all(counting);
  spin(50);
  const after = await all(counting);
  for (const cpu of onlineCpus().numbers.map(String)) {
    const [instructions, cycles, references, misses] = after.map((now, i) => now.get(cpu)! - before[i]!.get(cpu)!);
    assert.ok(instructions! > 0 && cycles! > 0 && references! >= misses!, `CPU ${cpu}: ${instructions}, ${cycles}`);
  }
});

test('each metric reads its event: events of the kernel in place of the PMU’s', async () => {
  const substitutes = { cycles: 'cpu-clock', instructions: 'page-faults' };
  const more = { 'cache-references': 'context-switches', 'cache-misses': 'alignment-faults' };
  let yaml = readFileSync(path, 'utf8');
  for (const [event, other] of Object.entries({ ...substitutes, ...more })) {
    yaml = yaml.replaceAll(new RegExp(`(?<=[[ ])${event}(?=[,\\]\\n])`, 'g'), other);
  }
  using running = startProgram(planOf(yaml), undefined);
  assert.deepEqual(running.absent, []);
  const counting = readCounts(running.plan, running);
  const before = await all(counting);
  spin(20);
  const after = await all(counting);
  const grown = after.map((now, i) => [...now].reduce((sum, [cpu, value]) => sum + value - before[i]!.get(cpu)!, 0));
  const [faults, clock, switches, alignment] = grown;
  assert.equal(after[1]!.size, onlineCpus().count);
  assert.ok(clock! >= 19e6 * onlineCpus().count, `${clock} ns`);
  assert.ok(faults! < clock! / 100 && switches! < clock! / 100, `${faults}, ${switches}`);
  assert.equal(alignment, 0);
});
