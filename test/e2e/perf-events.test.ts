import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasPmu } from '../../src/kernel/pmu.ts';
import { onlineCpus } from '../helpers/online-cpus.ts';
import { RunningMeter, runMeter } from '../helpers/process.ts';
import { programFolder } from '../helpers/program-folder.ts';

const yaml = `
description: What processes do to the kernel
maps:
  task_events:
    perf_events: [page-faults, context-switches]
    by: process.name
    limit: 1
  cpu_events:
    perf_events: [cpu-clock, instructions]
    labels: [{name: cpu}]
metrics:
  counters:
    - {name: task.faults, unit: '{fault}', map: task_events, field: page-faults}
    - {name: task.switches, unit: '{switch}', map: task_events, field: context-switches}
    - {name: cpu.time, unit: s, in: ns, map: cpu_events, field: cpu-clock}
    - {name: cpu.instructions, unit: '{instruction}', map: cpu_events, field: instructions}
`;

test('a YAML alone gives metrics; what the machine lacks is absent and said once', async () => {
  using folder = programFolder({});
  folder.file('events.yaml', yaml);
  await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path]);
  const lack = `map "cpu_events": this machine has no PMU to count instructions; absent: ebpf.cpu.instructions\n`;
  assert.equal(meter.stderr.split(` INFO  events: ${lack}`).length, hasPmu() ? 1 : 2, meter.stderr);
  assert.doesNotMatch(meter.stderr, / WARN /);

  const first = await meter.scrape();
  const cpus = onlineCpus().numbers.map((cpu) => first.total('ebpf_cpu_time_seconds_total', { cpu: String(cpu) }));
  assert.ok(cpus.every((seconds) => seconds > 0));
  assert.equal(first.page.families.has('ebpf_cpu_instructions_total'), hasPmu());

  // One name has a place, and this process and the other take turns.
  const second = await meter.scrape();
  assert.equal(second.page.families.get('ebpf_task_switches_total')?.samples.length, 1);
  assert.ok(
    second.total('ebpf_meter_map_lost_total', { program: 'events', map: 'task_events', reason: 'map_full' }) > 0,
  );
  assert.equal(second.total('ebpf_meter_program_attached', { program: 'events', bpf_program: 'task_events' }), 1);
  assert.match(meter.stderr, / WARN {2}events: map "task_events": events are missing in it \(map_full\)/);
});

test('list tells what it attaches to without attaching', async () => {
  using folder = programFolder({});
  folder.file('events.yaml', yaml);
  const { status, stdout, stderr } = await runMeter(['list', '--no-shipped', '--programs', folder.path]);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, / ebpf\.task\.faults: counter in \{fault\} by process\.name\n/);
  assert.match(stdout, /attaches to perf_event\/page-faults, perf_event\/context-switches, tp_btf\/sched_switch,/);
  if (!hasPmu()) assert.match(stdout, /can run here at least in part: this machine has no PMU to count instructions/);
});

test('an unknown event is an error with its place and the nearest name', async () => {
  using folder = programFolder({});
  const path = folder.file('events.yaml', yaml.replace('page-faults, context', 'page-fault, context'));
  const { status, stderr } = await runMeter(['check', '--no-shipped', '--programs', folder.path]);
  assert.equal(status, 1);
  assert.ok(stderr.includes(`${path}:5:19: unknown perf event "page-fault", did you mean "page-faults"?\n`), stderr);
});
