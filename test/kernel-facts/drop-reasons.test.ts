import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Kind } from '../../src/btf/records.ts';
import { createDropReasons } from '../../src/kernel/drop-reasons.ts';
import { BtfBuilder } from '../btf/builder.ts';
import { FakeRoot } from './fake-root.ts';

function write(root: FakeRoot, builder: BtfBuilder): void {
  root.write('sys/kernel/btf/vmlinux', '');
  writeFileSync(join(root.path, 'sys/kernel/btf/vmlinux'), builder.bytes());
}

function enumeration(builder: BtfBuilder, name: string, names: readonly string[]): void {
  const values = names.flatMap((text, number) => [builder.string(text), number]);
  builder.add(Kind.enum, name, 4, values, { length: names.length });
}

test('reasons have the names of this kernel, without what all begin with', () => {
  using root = new FakeRoot();
  const builder = new BtfBuilder();
  enumeration(builder, 'skb_drop_reason', ['SKB_NOT_DROPPED_YET', 'SKB_CONSUMED', 'SKB_DROP_REASON_NO_SOCKET']);
  enumeration(builder, 'skb_drop_reason_subsys', [
    'SKB_DROP_REASON_SUBSYS_CORE',
    'SKB_DROP_REASON_SUBSYS_MAC80211_UNUSABLE',
  ]);
  write(root, builder);
  const reason = createDropReasons(root.path);
  assert.equal(reason(0), 'SKB_NOT_DROPPED_YET');
  assert.equal(reason(2), 'NO_SOCKET');
  assert.equal(reason(3), undefined);
  assert.equal(reason(0x10005), 'MAC80211_UNUSABLE:5');
  assert.equal(reason(0x20005), undefined);
});

test('a kernel without reasons, or without BTF, has no names', () => {
  using root = new FakeRoot();
  assert.equal(createDropReasons(root.path)(2), undefined);
  write(root, new BtfBuilder());
  assert.equal(createDropReasons(root.path)(2), undefined);
  root.write('sys/kernel/btf/vmlinux', 'no BTF at all, but longer than its header');
  assert.equal(createDropReasons(root.path)(2), undefined);
});

test('this kernel: reasons that every version since 5.17 has', () => {
  const reason = createDropReasons('');
  const names = Array.from({ length: 100 }, (_, number) => reason(number));
  for (const name of ['NO_SOCKET', 'TCP_CSUM', 'SOCKET_FILTER', 'UDP_CSUM']) assert.ok(names.includes(name), name);
});
