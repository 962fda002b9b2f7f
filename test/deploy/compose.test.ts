import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { parse } from 'yaml';
import { collectorPath, noCollector } from '../helpers/collector.ts';
import { within } from '../helpers/deadline.ts';
import { MeterProcess } from '../helpers/process.ts';
import { findPromtool } from '../helpers/promtool.ts';

const root = join(import.meta.dirname, '../..');
const promtool = findPromtool();

interface Service {
  readonly volumes?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly ports?: readonly string[];
}

const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};

describe('docker-compose.yml', () => {
  it('mounts what is there', () => {
    for (const { volumes = [], security_opt = [] } of Object.values(compose.services)) {
      const sources = volumes.map((volume) => volume.split(':')[0]!);
      const profiles = security_opt.flatMap((option) => /^seccomp=(.+)/.exec(option)?.[1] ?? []);
      for (const source of sources) {
        if (!/^[./]/.test(source)) assert.ok(Object.hasOwn(compose.volumes, source), source);
      }
      for (const path of [...sources.filter((source) => /^[./]/.test(source)), ...profiles]) {
        assert.ok(existsSync(resolve(root, path)), path);
      }
    }
  });

  it('names services that there are, in its own configurations too', () => {
    const names = Object.keys(compose.services);
    for (const { depends_on = [] } of Object.values(compose.services)) {
      for (const name of depends_on) assert.ok(names.includes(name), name);
    }
    for (const file of [
      'compose/prometheus.yaml',
      'compose/ebpf-meter.yaml',
      'grafana/provisioning/datasources/prometheus.yaml',
    ]) {
      const text = readFileSync(join(root, 'deploy', file), 'utf8');
      const hosts = [...text.matchAll(/([a-z-]+):(?:9435|8889|4317|9090)\b/g)].map(([, host]) => host!);
      assert.ok(hosts.length > 0, file);
      for (const host of hosts) assert.ok(names.includes(host), `${file}: ${host}`);
    }
  });

  it('can be reached from this host alone', () => {
    for (const { ports = [] } of Object.values(compose.services)) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:/);
    }
  });
});

it('deploy/compose/prometheus.yaml is valid', { skip: 'missing' in promtool ? promtool.missing : false }, () => {
  const { path } = promtool as { path: string };
  const file = join(root, 'deploy/compose/prometheus.yaml');
  const { status, stderr, stdout } = spawnSync(path, ['check', 'config', file], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});

describe('deploy/compose', { skip: noCollector }, () => {
  it('the Collector shows Prometheus what ebpf-meter pushes to it', async () => {
    const ports = {
      OTLP_LISTEN: '127.0.0.1:14317',
      PROMETHEUS_LISTEN: '127.0.0.1:18889',
      HEALTH_LISTEN: '127.0.0.1:23133',
    };
    const config = join(root, 'deploy/compose/otel-collector.yaml');
    const validated = spawnSync(collectorPath, ['validate', '--config', config], { encoding: 'utf8' });
    assert.equal(validated.status, 0, validated.stderr);
    const collector = spawn(collectorPath, ['--config', config], {
      env: { ...process.env, ...ports },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    try {
      await within(answering(collector, `http://${ports.HEALTH_LISTEN}`), () => 'the Collector is not ready');
      const args = ['run', '--config', join(root, 'deploy/compose/ebpf-meter.yaml'), '--only', 'sched'];
      await using meter = new MeterProcess(args, { OTLP_ENDPOINT: `http://${ports.OTLP_LISTEN}` });
      await meter.logged(/ INFO {2}running after /);
      const { status, stderr } = await meter.stop();
      assert.equal(status, 0, stderr);
      const page = await (await fetch(`http://${ports.PROMETHEUS_LISTEN}/metrics`)).text();
      assert.match(page, /^ebpf_sched_runqueue_latency_seconds_bucket\{.*job="ebpf-meter"/m);
      assert.match(page, /^ebpf_sched_context_switches_total\{.*process_context_switch_type="voluntary"/m);
    } finally {
      collector.kill('SIGKILL');
      if (collector.exitCode === null && collector.signalCode === null) await once(collector, 'close');
    }
  });
});

async function answering(process: ChildProcess, url: string): Promise<void> {
  for (;;) {
    assert.equal(process.exitCode, null, 'it has ended');
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await setTimeout(20);
  }
}
