import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { kustomize, modelOf, noTools } from './tools.ts';

const folder = join(import.meta.dirname, '../../deploy/kubernetes');

interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: the schema is what is tested
  readonly [field: string]: any;
}

function build(): KubernetesObject[] {
  const text = execFileSync(kustomize, ['build', folder], { encoding: 'utf8' });
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}

describe('deploy/kubernetes', { skip: noTools }, () => {
  it('is valid by the schemas of Kubernetes and the Prometheus Operator', async () => {
    const objects = build();
    const kinds = ['ConfigMap', 'DaemonSet', 'Namespace', 'PodMonitor', 'ServiceAccount'];
    assert.deepEqual(objects.map(({ kind }) => kind).sort(), kinds);
    for (const object of objects) {
      const Model = await modelOf(object.apiVersion, object.kind);
      assert.doesNotThrow(() => new Model(object).validate(), `${object.kind}`);
    }
  });

  it('would be refused with a field that the schema does not have', async () => {
    const DaemonSet = await modelOf('apps/v1', 'DaemonSet');
    const object = structuredClone(build().find(({ kind }) => kind === 'DaemonSet')!);
    object.spec.template.spec.containers[0].ports[0].containerPort = 'metrics';
    assert.throws(() => new DaemonSet(object).validate());
  });

  it('finds its own pods, and no others', () => {
    const objects = build();
    const label = { 'app.kubernetes.io/name': 'ebpf-meter' };
    const daemonSet = objects.find(({ kind }) => kind === 'DaemonSet')!;
    assert.deepEqual(daemonSet.spec.selector.matchLabels, label);
    assert.deepEqual(daemonSet.spec.template.metadata.labels, label);
    const monitor = objects.find(({ kind }) => kind === 'PodMonitor')!;
    assert.deepEqual(monitor.spec.selector.matchLabels, label);
    const ports = daemonSet.spec.template.spec.containers[0].ports.map(({ name }: { name: string }) => name);
    assert.ok(ports.includes(monitor.spec.podMetricsEndpoints[0].port));
  });

  it('gives no more than three capabilities', () => {
    const [container] = build().find(({ kind }) => kind === 'DaemonSet')!.spec.template.spec.containers;
    const { privileged, allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = container.securityContext;
    assert.deepEqual(
      [privileged, allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities],
      [false, false, true, { drop: ['ALL'], add: ['BPF', 'PERFMON', 'SYSLOG'] }],
    );
  });
});
