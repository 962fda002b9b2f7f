import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EntriesSource } from '../../../src/config/plan.ts';
import { errors, plan } from './resolving.ts';
import { array, bool, layout, map, struct, u32, u64, variable } from './types.ts';

const key = struct('cgroup_key', { kind: u32, unused: u32, cgroup: u64 });
const odd = struct('odd_key', { cgroup: u64, kind: u32 }, 12);
const object = layout({
  maps: [
    map('by_cgroup', 'percpu_hash', key, u64),
    map('by_cgroup_cache', 'array', u32, array(struct('e', { key, value: u64 }), 8), 1),
    map('odd', 'hash', odd, u32),
    map('odd_cache', 'array', u32, array(struct('o', { key: odd, value: u32 }), 8), 1),
    map('two', 'hash', struct('two', { one: u64, other: u64 }), u64),
    map('listed', 'array', u32, u64, 4),
    map('stamps', 'array', u32, u64, 4),
    map('unmatched', 'array', u32, u64, 1),
  ],
  variables: [variable('enable_dear', '.rodata', bool, 0)],
  programs: ['switched'],
});

const yaml = `
maps:
  by_cgroup:
    cache: by_cgroup_cache
    expire: cgroup
    labels:
      - {name: cgroup, decoders: [{name: cgroup}]}
  unmatched: {index: [cpu]}
metrics:
  counters:
    - {name: cheap, map: unmatched, needs: {programs: [switched]}}
    - name: dear
      map: by_cgroup
      expensive: true
      needs: {programs: [switched], constants: [enable_dear], maps: [by_cgroup, by_cgroup_cache, stamps]}
`;

test('an expensive metric is not enabled unless it is named, and the maps that only it needs are not created', () => {
  const cheap = plan(yaml, object);
  assert.deepEqual([...cheap.needs.keys()], ['ebpf.cheap']);
  assert.deepEqual(cheap.skipMaps, new Set(['by_cgroup', 'by_cgroup_cache', 'stamps']));
  assert.deepEqual(cheap.perCpuFirst, ['unmatched']);
  assert.deepEqual(cheap.constants, new Map([['enable_dear', 0]]));

  const both = plan(yaml, object, { metrics: ['cheap', 'dear'] });
  assert.deepEqual([...both.needs.keys()], ['ebpf.cheap', 'ebpf.dear']);
  assert.deepEqual(both.skipMaps, new Set());
  assert.deepEqual(both.constants, new Map([['enable_dear', 1]]));
  // The cheap one's program may look for its CPU in any of them.
  assert.deepEqual(plan(yaml, object, { metrics: ['dear'] }).perCpuFirst, ['unmatched', 'by_cgroup_cache']);
});

test('keys that expire have the place of the cgroup', () => {
  const { tables } = plan(yaml, object, { metrics: ['dear'] });
  assert.deepEqual((tables[0]!.source as EntriesSource).expire, { offset: 8 });
  const [without] = plan(yaml.replace('    expire: cgroup\n', ''), object, { metrics: ['dear'] }).tables;
  assert.equal('expire' in without!.source, false);
});

const of = (name: string, entry: string) =>
  `maps:\n  ${name}: ${entry}\nmetrics:\n  counters:\n    - {name: hits, map: ${name}}\n`;
const cgroup = (field: string) => `{name: ${field}, decoders: [{name: cgroup}]}`;

for (const [text, expected] of [
  [of('two', '{expire: pid}'), '2:17: "expire": unknown value "pid"; known: cgroup'],
  [
    of('two', '{expire: cgroup}'),
    '2:17: "expire" needs one label of 8 bytes with the decoder cgroup; map "two" has no label',
  ],
  [
    of('two', `{expire: cgroup, labels: [${cgroup('one')}, ${cgroup('other')}]}`),
    '2:17: "expire" needs one label of 8 bytes with the decoder cgroup; map "two" has 2 labels',
  ],
  [
    of('listed', `{expire: cgroup, labels: [{name: n, size: 4, decoders: [{name: uint}, {name: cgroup}]}]}`),
    '2:20: map "listed" is of type array, from which no key can be removed',
  ],
  [of('unmatched', '{index: [cpu], expire: cgroup}'), '2:37: "expire" is for maps with keys'],
  [
    of('odd', `{cache: odd_cache, expire: cgroup, labels: [${cgroup('cgroup')}]}`),
    '2:35: "expire" needs keys and values of the cache whose sizes and places are multiples of 8 bytes',
  ],
  [
    yaml.replace('maps: [by_cgroup, by_cgroup_cache, stamps]', 'maps: [stampz]'),
    /^15:\d+: no BPF map "stampz" in .*, did you mean "stamps"\?$/,
  ],
  [yaml.replace('expensive: true', 'expensive: very'), /^14:18: "expensive" must be true or false/],
] as const) {
  test(`refused: ${expected}`, () => {
    const [first, ...more] = errors(text, object, { metrics: text.includes('dear') ? ['cheap', 'dear'] : undefined });
    assert.deepEqual(more, []);
    const message = first?.replace(/^x\.yaml:/, '') ?? '';
    if (typeof expected === 'string') assert.ok(message.startsWith(expected), message);
    else assert.match(message, expected);
  });
}
