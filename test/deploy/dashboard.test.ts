import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { RunningMeter } from '../helpers/process.ts';
import { findPrometheus, PrometheusProcess } from '../helpers/prometheus-server.ts';

const root = join(import.meta.dirname, '../..');
const prometheus = findPrometheus();
const skip = 'missing' in prometheus ? prometheus.missing : false;

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const { panels } = JSON.parse(readFileSync(join(root, 'deploy/grafana/dashboards/ebpf-meter.json'), 'utf8')) as {
  panels: readonly Panel[];
};
const queries = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));

/** Metrics whose first event no healthy machine has: their queries are asked, and may answer nothing. */
const rare =
  /oom_kills|reclaim|compaction|retransmits|resets|connections_failed|packet_drops|udp_receive_drops|decode_errors|interrupt|1 - ebpf_meter_program_attached|missed|tcp_/;

describe('the dashboard', { skip }, () => {
  it('asks for what there is: each query answers, of the page of a real start', async () => {
    await using meter = await RunningMeter.start([]);
    const { host } = new URL(meter.url);
    const job = `- {job_name: ebpf-meter, static_configs: [{targets: ['${host}']}]}`;
    await using server = await PrometheusProcess.start((prometheus as { path: string }).path, job);
    const page = await meter.scrape();
    for (const { title, expr } of queries) {
      const query = expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '10s');
      const answers = rare.test(expr) ? await server.until(query, () => true) : await server.found(query);
      assert.ok(Array.isArray(answers), title);
      for (const [, name] of expr.matchAll(/\b(ebpf_\w+?)(?:_bucket|_sum|_count)?\{/g)) {
        assert.ok(rare.test(name!) || page.page.families.has(name!), `${title}: ${name} isn't on the page`);
      }
    }
  });

  it('names in its legends what its queries keep', () => {
    for (const { title, expr, legendFormat } of queries) {
      const kept = [...expr.matchAll(/by \(([^)]+)\)/g)].flatMap(([, names]) => names!.split(', '));
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.ok(kept.includes(label!), `${title}: ${label}`);
      }
    }
  });
});
