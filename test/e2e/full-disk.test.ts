import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { MeterProcess, meterCommand, runMeter } from '../helpers/process.ts';

/** The process with its output sent elsewhere by the shell. */
const redirected = (redirection: string) => ['sh', '-c', `exec "$@" ${redirection}`, 'sh', ...meterCommand];
const env = { OTEL_METRICS_EXPORTER: 'console', OTEL_METRIC_EXPORT_INTERVAL: '100' };

describe('a full disk', () => {
  it('that the log is on loses lines of it and nothing else', async () => {
    await using meter = new MeterProcess(['--only', 'sched'], env, { command: redirected('2>/dev/full') });
    await once(meter.child.stdout!, 'data');
    const { status, stdout, stderr } = await meter.stop();
    assert.equal(status, 0);
    assert.equal(stderr, '');
    for (const line of stdout.trim().split('\n')) assert.ok(JSON.parse(line));
  });

  for (const command of ['list', 'help', 'version', 'check --only sched', 'check --print']) {
    it(`that ${command} is written to is an error`, async () => {
      const { status, stderr } = await runMeter(command.split(' '), {}, { command: redirected('>/dev/full') });
      assert.equal(status, 1);
      assert.match(stderr, /ebpf-meter: standard output: ENOSPC: no space left on device/);
    });
  }

  it('who reads no more of a list has had enough', async () => {
    const { status, stderr } = await runMeter(['list'], {}, { command: redirected('| true') });
    assert.deepEqual([status, stderr], [0, '']);
  });

  it('that the console is on is a failed export', async () => {
    await using meter = new MeterProcess(['--only', 'sched'], env, { command: redirected('>/dev/full') });
    await meter.logged(/WARN {2}console: export failed: ENOSPC: no space left on device/);
    const { status, stderr } = await meter.stop();
    assert.equal(status, 0);
    assert.match(stderr, /console: the last export failed: ENOSPC/);
  });
});
