import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exporterResource } from '../../src/metrics/resource.ts';
import { uuidV5 } from '../../src/metrics/uuid.ts';

const host = { version: '1.2.3', hostName: 'web-1', bootId: 'a8e6b4a0-0c1f-4b6e-9d7a-3f1f3e0c0001' };
const unset = { resourceAttributes: {}, resourceSchemaUrl: undefined };

test('a UUID of version 5 is that of RFC 9562, appendix A.4', () => {
  const dns = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
  assert.equal(uuidV5(dns, 'www.example.com'), '2ed6657d-e927-568b-95e1-2665a8aea6a2');
});

test('the resource says who, which version, which instance, where', () => {
  const { attributes, schemaUrl } = exporterResource(unset, host);
  assert.equal(attributes['service.name'], 'ebpf-meter');
  assert.equal(attributes['service.version'], '1.2.3');
  assert.equal(attributes['host.name'], 'web-1');
  assert.match(
    String(attributes['service.instance.id']),
    /^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
  );
  assert.equal(attributes['telemetry.sdk.language'], 'nodejs');
  assert.equal(schemaUrl, undefined);
});

test('the configuration wins', () => {
  const resourceAttributes = {
    'service.name': 'mine',
    'host.name': 'h',
    'service.instance.id': 'i',
    'service.version': 'v',
    'telemetry.sdk.name': 's',
    tags: ['a', 'b'],
    level: 3,
  };
  const schemaUrl = 'https://opentelemetry.io/schemas/1.44.0';
  const resource = exporterResource({ resourceAttributes, resourceSchemaUrl: schemaUrl }, host);
  for (const [name, value] of Object.entries(resourceAttributes)) assert.deepEqual(resource.attributes[name], value);
  assert.equal(resource.schemaUrl, schemaUrl);
});

test('the instance is the same after a restart, another for another boot, host or service', () => {
  const id = (config: Parameters<typeof exporterResource>[0], facts: typeof host): unknown =>
    exporterResource(config, facts).attributes['service.instance.id'];
  const first = id(unset, host);
  assert.equal(id(unset, { ...host, version: '2' }), first);
  const others = [
    id(unset, { ...host, bootId: 'other' }),
    id(unset, { ...host, hostName: 'web-2' }),
    id({ ...unset, resourceAttributes: { 'service.name': 'mine' } }, host),
  ];
  assert.equal(new Set([first, ...others]).size, 4);
});

test('the instance stays where the host is named and the container isn’t the same', () => {
  const id = (hostName: string, named: Record<string, string>, detected: Record<string, string> = {}) =>
    exporterResource({ ...unset, resourceAttributes: named }, { ...host, hostName }, detected).attributes[
      'service.instance.id'
    ];
  const node = { 'host.name': 'node-1' };
  assert.equal(id('ebpf-meter-x2x7q', node), id('ebpf-meter-9fkzl', node));
  assert.equal(id('ebpf-meter-x2x7q', {}, node), id('ebpf-meter-9fkzl', node));
  assert.notEqual(id('ebpf-meter-x2x7q', node), id('ebpf-meter-x2x7q', { 'host.name': 'node-2' }));
});
