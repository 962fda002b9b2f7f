import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { callGetppid } from '../fixtures/plan.ts';
import { RunningMeter } from '../helpers/process.ts';
import { replacedKeys } from '../helpers/replaced-keys.ts';

const keys = 5000;

function residentKb(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
}

it('keys that come and go leave nothing behind', async () => {
  using folder = replacedKeys(keys);
  await using meter = await RunningMeter.start(['--programs', folder.path]);
  const rounds = async (count: number) => {
    for (let round = 0; round < count; round++) {
      callGetppid(keys);
      await meter.text();
    }
  };
  await rounds(10);
  const early = residentKb(meter.child.pid!);
  await rounds(110);
  const late = residentKb(meter.child.pid!);
  // V8 lets its heap grow a while before it tidies up; 100 bytes kept of each key would be 55 MB more than that.
  assert.ok(late < early * 1.5, `${early} kB after 10 rounds, ${late} kB after 120`);
  const scrape = await meter.scrape();
  assert.equal(scrape.total('ebpf_meter_series'), keys);
  assert.equal(scrape.total('ebpf_events_total'), keys);
});
