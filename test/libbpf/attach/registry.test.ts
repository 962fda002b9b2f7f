import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachKind } from '../../../src/libbpf/attach/registry.ts';

for (const [section, name] of [
  ['kprobe/do_swap_page', 'kprobe'],
  ['?kprobe/do_swap_page', 'kprobe'],
  ['kretprobe/do_swap_page', 'kprobe'],
  ['kprobe/do_swap_page+0x10', 'kprobe'],
  ['kprobe/lookup_fast.isra.0', 'kprobe'],
  ['perf_event/type=1,config=2,frequency=99', 'perf_event'],
  ['?perf_event/type=0x4,config=0xc4,sample_period=100000', 'perf_event'],
  ['perf_event', 'auto'],
  ['perf_event/frequency=99,type=1', 'perf_event'],
  // So that what is wrong with it can be told.
  ['perf_event/type=1,config=2', 'perf_event'],
  // Attached by hand, by a glob, or by a system call's name: all known to libbpf.
  ['kprobe', 'auto'],
  ['kprobe/', 'auto'],
  ['kprobe/vfs_*', 'auto'],
  ['kprobe.multi/vfs_*', 'auto'],
  ['ksyscall/nanosleep', 'auto'],
  ['fentry/do_swap_page', 'auto'],
  ['tp_btf/sched_switch', 'auto'],
  ['uprobe//proc/self/exe:post_attach_mark', 'post_attach_mark'],
  ['?uretprobe.s//proc/self/exe:post_attach_mark', 'post_attach_mark'],
  ['uprobe//proc/self/exe:main', 'auto'],
  ['usdt/./server:name:marker', 'auto'],
  ['iter/tcp', 'iter'],
  ['?iter/bpf_map_elem', 'iter'],
  ['iter.s/task', 'iter'],
  ['iter', 'auto'],
  ['xdp', 'xdp'],
  ['?xdp', 'xdp'],
  ['xdp/eth0.100', 'xdp'],
  ['xdp.frags/eth0', 'xdp'],
  ['xdpoint', 'auto'],
  ['', 'auto'],
  ['made_up/by-hand', 'auto'],
] as const) {
  test(`"${section}" is attached by ${name}`, () => assert.equal(attachKind(section).name, name));
}
