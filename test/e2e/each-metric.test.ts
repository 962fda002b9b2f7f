import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createKernelFacts } from '../../src/kernel/facts.ts';
import { Store } from '../../src/metrics/store.ts';
import { Tallies } from '../../src/metrics/tallies.ts';
import { startProgram } from '../../src/programs/start.ts';
import { cgroupNames } from '../../src/programs/without-c/cgroup-names.ts';
import { openShipped, shippedPrograms } from '../docs/shipped.ts';

/** XDP counts only at interfaces that it is told. */
const interfaces: Readonly<Record<string, readonly string[]>> = { xdp: ['lo'] };

describe('each metric of a shipped program can be enabled alone', () => {
  for (const { name: program, metrics } of shippedPrograms()) {
    for (const { name } of metrics) {
      it(name, async () => {
        const { plan, opened } = openShipped(program, { metrics: [name], interfaces: interfaces[program] });
        using running = startProgram(plan, opened);
        assert.deepEqual(
          [...running.attached, ...running.hooks].flatMap(({ error }) => (error === undefined ? [] : [error.message])),
          [],
        );
        const counted = running.plan.tables.flatMap((table) => table.metrics.map((metric) => metric.name));
        const absent = running.absent.flatMap((one) => one.metrics);
        assert.deepEqual([...counted, ...absent], [name]);
        using names = cgroupNames([running.plan], (warning) => {
          throw warning;
        });
        const facts = createKernelFacts({ cgroups: names?.cgroups });
        const { errors } = await new Store([running], facts, new Tallies(), names?.cgroups).read();
        assert.deepEqual(errors, []);
      });
    }
  }
});
