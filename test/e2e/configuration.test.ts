import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { MeterProcess, runMeter } from '../helpers/process.ts';

const text = `
file_format: "1.1"
resource:
  detection/development: {attributes: {excluded: [process.command*]}, detectors: [{host: }, {process: }]}
meter_provider:
  readers:
    - pull:
        cardinality_limits: {default: 3}
        exporter:
          prometheus/development: {host: 127.0.0.1, port: 0, scope_info_enabled: false, resource_constant_labels: {included: [os.type]}}
    - pull:
        exporter:
          prometheus/development: {host: 127.0.0.1, port: 0, scope_info_enabled: false}
  views:
    - {selector: {instrument_name: ebpf.syscall.calls}, stream: {name: calls, attribute_keys: {included: [none]}}}
    - {selector: {instrument_name: ebpf.syscall.calls}, stream: {}}
    - {selector: {instrument_name: ebpf.syscall.errors*}, stream: {aggregation: {drop: }}}
    - {selector: {instrument_name: ebpf_meter.program.*}, stream: {aggregation: {drop: }}}
distribution:
  ebpf_meter: {only: [syscall]}
`;

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-configuration-'));
  writeFileSync(join(folder, 'meter.yaml'), text);
});
after(() => rmSync(folder, { recursive: true }));

/** Values by label text of one metric on a page. */
function series(page: string, name: string): Map<string, number> {
  const lines = [...page.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].filter(([, found]) => found === name);
  return new Map(lines.map(([, , labels = '', value]) => [labels, Number(value)]));
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}

it('views, limits of each reader, detectors and constant labels', async () => {
  await using meter = new MeterProcess(['--config', join(folder, 'meter.yaml')]);
  await meter.logged(/running after/);
  const [limited, unlimited] = [...meter.stderr.matchAll(/metrics: (http\S+)/g)].map(([, url]) => url!);
  await (await fetch(limited!)).text();
  const page = await (await fetch(limited!)).text();

  const calls = series(page, 'ebpf_syscall_calls_total');
  assert.equal(calls.size, 4);
  assert.ok(calls.has('otel_metric_overflow="true",os_type="linux"'), [...calls.keys()].join('\n'));
  const [[labels, total]] = [...series(page, 'calls_total')] as [[string, number]];
  assert.equal(labels, 'os_type="linux"');
  assert.equal(sum(calls.values()), total, 'both are of one reading of the map');
  assert.ok(sum(series(page, 'ebpf_meter_series_overflowed_total').values()) > 0);
  assert.match(meter.stderr, /WARN .*syscall: map "\w+": more series than its cardinality limit/);

  assert.doesNotMatch(page, /^ebpf_syscall_errors/m);
  assert.doesNotMatch(page, /^ebpf_meter_program_/m);
  const [target] = [...series(page, 'target_info').keys()];
  assert.match(target!, /host_arch="\w+"/);
  assert.match(target!, /process_pid="\d+"/);
  assert.doesNotMatch(target!, /process_command/);

  const other = await (await fetch(unlimited!)).text();
  const all = series(other, 'ebpf_syscall_calls_total');
  assert.ok(all.size > 4);
  assert.doesNotMatch([...all.keys()].join('\n'), /otel_metric_overflow|os_type/);
  const [[, unlimitedTotal]] = [...series(other, 'calls_total')] as [[string, number]];
  assert.equal(sum(all.values()), unlimitedTotal);
});

it('a view that cannot be had exactly is refused with its line', async () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, text.replace('aggregation: {drop: }}}', 'aggregation: {last_value: }}}'));
  const { status, stderr } = await runMeter(['--config', file]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /wrong\.yaml:17:\d+: metric "ebpf\.syscall\.errors[\w.]*" is a counter and can't become a last_value/,
  );
});

it('check --print prints what is in effect', async () => {
  const file = join(folder, 'meter.yaml');
  const { status, stdout } = await runMeter(['check', '--print', '--namespace', 'n', '--config', file]);
  assert.equal(status, 0);
  assert.match(stdout, /^file_format: "1\.1"\n.*namespace: n\n/s);
  writeFileSync(join(folder, 'printed.yaml'), stdout);
  const again = await runMeter(['check', '--print', '--config', join(folder, 'printed.yaml')]);
  assert.equal(again.stdout, stdout);
});
