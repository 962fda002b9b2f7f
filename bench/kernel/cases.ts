import type { Case, Load, Plain } from './case.ts';
import { networkCases } from './network-cases.ts';

const pingPong: Load = { name: 'ping-pong', operations: 20_000, timed: true, contends: true };
const datagram: Load = { name: 'datagram', operations: 30_000, timed: true };
const getppid: Load = { name: 'getppid', operations: 400_000, timed: true, contends: true };
const close: Load = { name: 'close', operations: 400_000, timed: true, contends: true };
const timer: Load = { name: 'timer', operations: 150_000, timed: true, contends: true };
const read: Load = { name: 'read', operations: 6_000, device: true, contends: true };
const disk: Load = { name: 'disk', operations: 1_000 };
const terminal: Load = { name: 'terminal', operations: 5_000 };
const compact: Load = { name: 'compact', operations: 3 };
const write: Load = { name: 'write', operations: 20_000, timed: true };
const sync: Load = { name: 'sync', operations: 1_000 };
const reread: Load = { name: 'reread', operations: 200_000, timed: true };
const touch: Load = { name: 'touch', operations: 64, timed: true };
const protect: Load = { name: 'protect', operations: 50_000, timed: true };
const contend: Load = { name: 'contend', operations: 2_000 };
const migrate: Load = { name: 'migrate', operations: 2_000 };
const fork: Load = { name: 'fork', operations: 1_000 };
const exec: Load = { name: 'exec', operations: 200 };
const connect: Load = { name: 'connect', operations: 1_000, network: 'silent' };

function design(title: string, program: string, net?: number): Plain {
  return { title: `design: ${title}`, object: 'design', programs: [program], empty: ['sys_exit'], load: getppid, net };
}

function peer(title: string, programs: readonly string[], empty: readonly string[], load: Load): Plain {
  return { title: `plain: ${title}`, object: 'peer', programs, empty, load };
}

export const plain: readonly Plain[] = [
  peer('counter in a HASH', ['counter_hash'], ['sys_exit'], getppid),
  peer('counter in a PERCPU_ARRAY', ['counter_percpu_array'], ['sys_exit'], getppid),
  peer('histogram in a HASH', ['histogram_hash'], ['sys_exit'], getppid),
  peer('run-queue latency by pid in a HASH', ['wakeup', 'wakeup_new', 'switched'], ['sched_switch'], pingPong),
  peer('block latency by request in a HASH', ['issue', 'complete'], ['block_rq_issue', 'block_rq_complete'], read),
  design('the CPU’s number alone', 'cpu_number'),
  design('counter shared by all CPUs, atomic', 'counter_shared'),
  design('counter by CPU and label', 'counter_by_cpu', 2),
  design('counter by key, cached', 'counter_by_key', 5),
  design('histogram shared by all CPUs, atomic', 'histogram_shared'),
  design('histogram by CPU and label', 'histogram_by_cpu', 5),
  design('histogram by key, cached', 'histogram_cached', 12),
  design('histogram by 1024 keys', 'histogram_behind', 32),
  design('histogram by cgroup', 'histogram_by_cgroup', 12),
  design('a clock', 'clock_alone'),
  design('stamp by task in a line of four', 'stamp_in_line', 15),
  design('stamp by task in task storage', 'stamp_in_task_storage', 35),
  design('stamp by task in a HASH', 'stamp_in_hash'),
];

/** Tracepoints that a map without C counts; there is one of the name in empty.bpf.c, too. */
export const tracepointCases: readonly { readonly name: string; readonly load: Load }[] = [
  { name: 'sys_exit', load: getppid },
  { name: 'sched_switch', load: pingPong },
];

/** Perf events by the task that ran; software ones, since these are everywhere. */
export const perfEventCases = [
  { events: ['page-faults'], by: 'process.name', load: pingPong },
  { events: ['page-faults', 'context-switches', 'cpu-clock', 'cpu-migrations'], by: 'process.name', load: pingPong },
  { events: ['page-faults'], by: 'cgroup', load: pingPong },
  { events: ['page-faults:u', 'page-faults:k'], by: 'process.name', load: touch },
] as const;

export const cases: readonly Case[] = [
  { program: 'sched', metrics: ['sched.runqueue.latency'], load: pingPong, net: 60 },
  { program: 'sched', metrics: ['sched.context_switches'], load: pingPong, net: 2 },
  { program: 'sched', metrics: ['sched.on_cpu.duration'], load: pingPong, net: 35 },
  { program: 'sched', metrics: ['sched.runqueue.latency', 'sched.context_switches'], load: pingPong, net: 62 },
  {
    program: 'sched',
    metrics: ['sched.runqueue.latency', 'sched.on_cpu.duration', 'sched.context_switches'],
    load: pingPong,
    net: 67,
  },
  {
    program: 'sched',
    metrics: ['sched.runqueue.latency'],
    ways: { runqueue_latency: 'approximate' },
    load: pingPong,
    added: 200,
  },
  { program: 'sched', metrics: ['sched.cgroup.runqueue.latency'], load: pingPong, net: 67 },
  {
    program: 'sched',
    metrics: ['sched.runqueue.latency', 'sched.cgroup.runqueue.latency'],
    load: pingPong,
    net: 72,
  },
  { program: 'sched', metrics: ['sched.off_cpu.duration'], load: pingPong },
  { program: 'sched', metrics: ['sched.runqueue.length'], load: pingPong },
  { program: 'sched', metrics: ['sched.migrations'], load: migrate },
  // By the way in that all kernels take.
  { program: 'irq', metrics: ['softirq.latency'], ways: { raise: 'unseen' }, load: datagram },
  { program: 'irq', metrics: ['softirq.duration'], load: datagram },
  { program: 'irq', metrics: ['softirq.latency', 'softirq.duration'], ways: { raise: 'unseen' }, load: datagram },
  { program: 'irq', metrics: ['interrupt.duration'], load: disk },
  { program: 'block', metrics: ['block.io.latency'], load: read, gross: 250 },
  { program: 'block', metrics: ['block.io.queue.latency'], load: read, gross: 250 },
  { program: 'block', metrics: ['block.io.latency', 'block.io.queue.latency'], load: read, gross: 250 },
  {
    program: 'block',
    metrics: ['block.io.latency', 'block.io.queue.latency'],
    ways: { request: 'request_stamp' },
    load: read,
    gross: 180,
  },
  { program: 'block', metrics: ['block.io.size'], load: read, gross: 250 },
  { program: 'block', metrics: ['block.io.errors'], load: read, gross: 250 },
  {
    program: 'block',
    metrics: ['block.io.latency', 'block.io.queue.latency', 'block.io.size', 'block.io.errors', 'block.io.unmatched'],
    load: read,
    gross: 250,
  },
  { program: 'timer', metrics: ['timer.starts'], load: timer, net: 5 },
  { program: 'workqueue', metrics: ['workqueue.latency'], load: terminal },
  { program: 'workqueue', metrics: ['workqueue.duration'], load: terminal },
  { program: 'workqueue', metrics: ['workqueue.latency', 'workqueue.duration'], load: terminal },
  { program: 'tcp', metrics: ['tcp.retransmits'], load: connect, net: 2 },
  ...networkCases,
  { program: 'memory', metrics: ['memory.compaction.latency'], load: compact },
  { program: 'page_cache', metrics: ['page_cache.added'], load: write },
  { program: 'page_cache', metrics: ['page_cache.dirtied'], load: write },
  { program: 'page_cache_lookup', metrics: ['page_cache.looked_up'], load: reread },
  { program: 'fs', metrics: ['fs.fsync.latency'], ways: { ext4_fsync: 'tracepoint' }, load: sync },
  {
    program: 'fs',
    metrics: ['fs.fsync.latency', 'fs.slow_operations'],
    ways: { ext4_fsync: 'tracepoint' },
    load: sync,
  },
  { program: 'page_fault', metrics: ['page_faults'], load: touch },
  { program: 'tlb', metrics: ['tlb.flushes'], load: protect },
  { program: 'lock', metrics: ['lock.contention.duration'], load: contend },
  { program: 'process', metrics: ['process.execs'], load: exec },
  { program: 'process', metrics: ['process.forks'], load: fork },
  { program: 'process', metrics: ['process.exits'], load: fork },
  { program: 'process', metrics: ['process.lifetime'], load: fork },
  { program: 'process', metrics: ['process.exits', 'process.lifetime'], load: fork },
  { program: 'syscall', metrics: ['syscall.calls'], load: getppid, net: 2 },
  { program: 'syscall', metrics: ['syscall.errors'], load: close, net: 5 },
  { program: 'syscall', metrics: ['syscall.calls', 'syscall.errors'], load: close, net: 7 },
];
