import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { callGetppid } from '../../fixtures/plan.ts';
import { RunningMeter } from '../../helpers/process.ts';
import { replacedKeys } from '../../helpers/replaced-keys.ts';

const keys = 5000;

function residentKb(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
}

it('keys that come and go leave nothing behind', async () => {
  using folder = replacedKeys(keys);
  await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path]);
  const rounds = async (count: number) => {
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < count; round++) {
      callGetppid(keys);
      await meter.text();
      least = Math.min(least, residentKb(meter.child.pid!));
    }
    return least;
  };
  // V8 lets its heap grow a while, and tidies up now and then: what is left over then is what counts.
  await rounds(40);
  const early = await rounds(20);
  await rounds(110);
  const late = await rounds(30);
  // 100 bytes kept of each key would be 65 MB more.
  assert.ok(late < early * 1.5, `at least ${early} kB in 20 rounds from the 40th on, ${late} kB in the last 30 of 200`);
  const scrape = await meter.scrape();
  assert.equal(scrape.total('ebpf_meter_series'), keys);
  assert.equal(scrape.total('ebpf_events_total'), keys);
});
