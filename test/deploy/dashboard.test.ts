import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
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

/** What any machine in use does and an idle one doesn't, until the end: processes that come and go, and a file. */
function keepBusy(): AsyncDisposable {
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-busy-'));
  const stop = new AbortController();
  const work = (async () => {
    while (!stop.signal.aborted) {
      await promisify(execFile)('dd', ['if=/dev/zero', `of=${folder}/file`, 'bs=64k', 'count=4', 'conv=fsync']);
      await sleep(100, undefined, { signal: stop.signal }).catch(() => {});
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await work;
      rmSync(folder, { recursive: true });
    },
  };
}

describe('the dashboard', { skip }, () => {
  it('asks for what there is: each query answers, of the page of a real start', async () => {
    await using meter = await RunningMeter.start([]);
    await using _busy = keepBusy();
    const { host } = new URL(meter.url);
    const job = `- {job_name: ebpf-meter, static_configs: [{targets: ['${host}']}]}`;
    await using server = await PrometheusProcess.start((prometheus as { path: string }).path, job);
    for (const { title, expr } of queries) {
      const query = expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '10s');
      const answers = rare.test(expr) ? await server.until(query, () => true) : await server.found(query);
      assert.ok(Array.isArray(answers), title);
      const page = await meter.scrape();
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
