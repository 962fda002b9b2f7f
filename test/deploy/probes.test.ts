import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

interface DaemonSet {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
}

interface Container {
  readonly env: readonly { readonly name: string }[];
  readonly readinessProbe: { readonly httpGet: { readonly path: string } };
  readonly livenessProbe: { readonly httpGet: { readonly path: string } };
}

const [container] = (parse(read('deploy/kubernetes/daemonset.yaml')) as DaemonSet).spec.template.spec.containers;

describe('probes', () => {
  it('ask the paths that need no password, which / does', () => {
    assert.equal(container!.readinessProbe.httpGet.path, '/-/ready');
    assert.equal(container!.livenessProbe.httpGet.path, '/-/healthy');
    assert.match(read('Dockerfile'), /^HEALTHCHECK .*\\\n.*fetch\(`http:\/\/localhost:\$\{[^}]+\}\/-\/healthy`\)/m);
  });
});

describe('the resource in Kubernetes', () => {
  it('is the node’s, of variables that the DaemonSet sets', () => {
    const text = read('deploy/kubernetes/ebpf-meter.yaml');
    const { resource } = parse(text) as { resource: { attributes: readonly { name: string }[] } };
    assert.deepEqual(
      resource.attributes.map(({ name }) => name),
      ['host.name', 'k8s.node.name'],
    );
    const variables = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!);
    assert.deepEqual(
      [...new Set(variables)],
      container!.env.map(({ name }) => name),
    );
  });
});
