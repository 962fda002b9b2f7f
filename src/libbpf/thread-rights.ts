import { readdirSync, readFileSync } from 'node:fs';
import { arch } from 'node:process';
import { setTimeout } from 'node:timers/promises';
import type { Capability } from '../capability-names.ts';
import { capabilityMask, parseCapabilities } from '../kernel/capabilities.ts';
import { libc, memoryAt, type Pointer } from './library.ts';

const prctl = libc<(option: number, a: number, b: number, c: number, d: number) => number>(
  'int prctl(int, ulong, ulong, ulong, ulong)',
);
const capset = libc<(header: Pointer, data: Pointer) => number>('int capset(uint64_t, uint64_t)');
const mmap = libc<
  (address: null, length: number, protection: number, flags: number, fd: number, offset: number) => Pointer | null
>('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)');
const mprotect = libc<(address: Pointer, length: number, protection: number) => number>(
  'int mprotect(uint64_t, size_t, int)',
);
const sigaction = libc<(signal: number, action: Uint8Array, before: null) => number>(
  'int sigaction(int, const void *, void *)',
);
const tgkill = libc<(call: number, process: number, thread: number, signal: number) => number>(
  'long syscall(long, long, long, long)',
);

/** linux/prctl.h */
const PR_SET_NO_NEW_PRIVS = 38;
/** linux/capability.h: two words of each kind. */
const CAPABILITY_VERSION_3 = 0x2008_0522;
/** asm-generic/mman-common.h, mman.h */
const [PROT_READ, PROT_WRITE, PROT_EXEC, MAP_PRIVATE_ANONYMOUS] = [1, 2, 4, 0x22];
/** The last real-time signal, which neither the C library, libuv nor V8 uses. */
const SIGNAL = 64;
const PAGE = 4096;
/** Where in the page capset()'s header and data are, behind the code. */
const [HEADER, DATA] = [256, 264];
/** x86-64; Linux's system calls have the same numbers for all time. */
const TGKILL = 234;
/** Threads that have not run the handler by then don't get to run at all. */
const PATIENCE_MS = 1000;

/** What became of the threads of this process. */
interface ThreadRights {
  /** How many there are. */
  readonly threads: number;
  /** How many of them have more than they are to keep. */
  readonly unchanged: number;
}

/**
 * Leaves every thread of this process only those of its capabilities that are to be kept, and no way to new ones by
 * execve(2) (no_new_privs). Both are each thread's own (capabilities(7), prctl(2)), and nothing in the kernel or in the C
 * library sets them for all of them, so each is sent a signal whose handler does it. On other processors than x86-64, or
 * where no memory may be made executable, only the calling thread, which runs all JavaScript, and those that it starts
 * later lose them. What is given up doesn't come back.
 */
export async function keepCapabilities(kept: readonly Capability[]): Promise<ThreadRights> {
  const page = mmap(null, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (page === null || BigInt.asUintN(64, page) === 0xffff_ffff_ffff_ffffn) return counted(kept);
  // The page stays, since a thread may take its signal at any later time.
  const memory = new DataView(memoryAt(page, PAGE));
  const mask =
    capabilityMask(kept) & capabilityMask(parseCapabilities(readFileSync('/proc/self/status', 'latin1'), 'CapPrm'));
  memory.setUint32(HEADER, CAPABILITY_VERSION_3, true);
  for (const [word, shift] of [0n, 32n].entries()) {
    const part = Number((mask >> shift) & 0xffff_ffffn);
    memory.setUint32(DATA + word * 12, part, true);
    memory.setUint32(DATA + word * 12 + 4, part, true);
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  capset(page + BigInt(HEADER), page + BigInt(DATA));
  if (arch === 'x64') await signalOthers(page, memory, kept);
  return counted(kept);
}

/** prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); capset(header, data). A handler may change the registers that a function may. */
function writeHandler(page: Pointer, memory: DataView): void {
  const code = [
    ...[0xf3, 0x0f, 0x1e, 0xfa], // endbr64
    ...[0xb8, 157, 0, 0, 0, 0xbf, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0xbe, 1, 0, 0, 0], // mov eax, edi, esi
    ...[0x31, 0xd2, 0x45, 0x31, 0xd2, 0x45, 0x31, 0xc0, 0x0f, 0x05], // xor edx, r10d, r8d; syscall
    ...[0xb8, 126, 0, 0, 0, 0x48, 0xbf, ...addressBytes(page + BigInt(HEADER))], // mov eax; movabs rdi
    ...[0x48, 0xbe, ...addressBytes(page + BigInt(DATA)), 0x0f, 0x05, 0xc3], // movabs rsi; syscall; ret
  ];
  for (const [at, byte] of code.entries()) memory.setUint8(at, byte);
}

function addressBytes(address: Pointer): Uint8Array {
  return new Uint8Array(BigUint64Array.of(address).buffer);
}

async function signalOthers(page: Pointer, memory: DataView, kept: readonly Capability[]): Promise<void> {
  writeHandler(page, memory);
  if (mprotect(page, PAGE, PROT_READ | PROT_EXEC) !== 0) return;
  // struct sigaction of glibc and musl alike: the handler, 128 bytes of mask, flags; the C library fills in the rest.
  const action = new DataView(new ArrayBuffer(152));
  action.setBigUint64(0, page, true);
  action.setUint32(136, 0x1000_0000, true); // SA_RESTART
  if (sigaction(SIGNAL, new Uint8Array(action.buffer), null) !== 0) return;
  const deadline = performance.now() + PATIENCE_MS;
  for (const thread of threadsWithMore(kept)) tgkill(TGKILL, process.pid, Number(thread), SIGNAL);
  while (threadsWithMore(kept).some(takesSignal) && performance.now() < deadline) await setTimeout(1);
}

/** V8's thread that waits for SIGUSR1, where node isn't started without it, blocks all others. */
function takesSignal(thread: string): boolean {
  const [, blocked = '0'] = /^SigBlk:\s*([0-9a-f]+)$/m.exec(statusOf(thread)) ?? [];
  return ((BigInt(`0x${blocked}`) >> BigInt(SIGNAL - 1)) & 1n) === 0n;
}

function counted(kept: readonly Capability[]): ThreadRights {
  return { threads: readdirSync('/proc/self/task').length, unchanged: threadsWithMore(kept).length };
}

function threadsWithMore(kept: readonly Capability[]): string[] {
  return readdirSync('/proc/self/task').filter((thread) => {
    const status = statusOf(thread);
    const more = [...parseCapabilities(status, 'CapPrm')].some((name) => !kept.includes(name));
    return more || /^NoNewPrivs:\s*0$/m.test(status);
  });
}

/** Empty where it has ended. */
function statusOf(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/status`, 'latin1');
  } catch {
    return '';
  }
}
