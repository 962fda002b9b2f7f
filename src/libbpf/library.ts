import koffi, { type LibraryHandle } from 'koffi';
import { MeterError } from '../errors.ts';
import { installPrint } from './print.ts';

/** Address of something that libbpf owns. */
export type Pointer = bigint;

/** The soname: its major version is the promise of a stable interface, so any 1.x will do. */
const soname = 'libbpf.so.1';

// biome-ignore lint/suspicious/noExplicitAny: the parameters of a C function are stated where it is bound
type NativeFunction = (...parameters: any[]) => unknown;

let library: LibraryHandle | undefined;
let ownProcess: LibraryHandle | undefined;

/** Loads libbpf. Throws MeterError('environment') where it is not installed, or doesn't fit this system. */
function openLibrary(): LibraryHandle {
  if (library) return library;
  let opened: LibraryHandle;
  try {
    opened = koffi.load(soname);
  } catch (cause) {
    const reason = String((cause as Error).message).replace(/^Failed to load shared library: /, '');
    throw new MeterError('environment', `${soname}: ${reason}`, {
      cause,
      remedy: 'Install libbpf: apt-get install libbpf1, dnf install libbpf, or apk add libbpf',
    });
  }
  installPrint(opened, openProcess());
  library = opened;
  return opened;
}

/** The C library that node itself runs on, glibc or musl. */
function openProcess(): LibraryHandle {
  ownProcess ??= koffi.load(null);
  return ownProcess;
}

/**
 * A function of libbpf by its C prototype. It is bound when it is first called, so that a function
 * that the installed libbpf lacks fails there, with MeterError('environment'), and nowhere else.
 */
export function libbpf<F extends NativeFunction>(prototype: string): F {
  let bound: NativeFunction | undefined;
  const call: NativeFunction = (...parameters) => {
    bound ??= bind(prototype);
    return bound(...parameters);
  };
  return call as F;
}

function bind(prototype: string): NativeFunction {
  const opened = openLibrary();
  try {
    return opened.func(prototype);
  } catch (cause) {
    const name = /(\w+)\(/.exec(prototype)?.[1] ?? prototype;
    throw new MeterError('environment', `${name}: not in this libbpf (${libbpfVersion()})`, {
      cause,
      remedy: 'Install a newer libbpf',
    });
  }
}

/** A function of the C library by its prototype. */
export function libc<F extends NativeFunction>(prototype: string): F {
  let bound: NativeFunction | undefined;
  const call: NativeFunction = (...parameters) => {
    const target: NativeFunction = bound ?? openProcess().func(prototype);
    bound = target;
    return target(...parameters);
  };
  return call as F;
}

const versionString = libbpf<() => string>('const char *libbpf_version_string()');

/** Such as `v1.1`. Throws MeterError('environment') where libbpf is not installed. */
export function libbpfVersion(): string {
  return versionString();
}

/** The bytes at an address, not copied: they may be used only as long as their owner keeps them. */
export function memoryAt(address: Pointer, length: number): ArrayBuffer {
  return koffi.view(address, length);
}

/** Memory that C is given places in by number, again and again. */
interface NativeMemory {
  /** Aligned to 8 bytes. */
  readonly bytes: Uint8Array;
  /** Valid as long as this object is referred to: V8 doesn't move the memory behind an ArrayBuffer, but frees it. */
  readonly address: number;
}

/** Memory of that many bytes, all zero. Keep the object itself, not only its address. */
export function allocate(length: number): NativeMemory {
  // Over a buffer of its own: a slice of node's pool needn't be aligned.
  const bytes = new Uint8Array(new ArrayBuffer(length));
  return { bytes, address: addressOf(bytes) };
}

/** A buffer's address; the buffer must be used after the call that is given it, or V8 may have freed it before. */
export function addressOf(buffer: ArrayBufferView): number {
  return Number(koffi.address(buffer));
}

/** To be called with what C was given the address of, after the call: V8 may free before what isn't used any more. */
export function keep(...buffers: readonly ArrayBufferView[]): void {
  for (const { byteLength } of buffers) if (byteLength === 0) return;
}

/** errno as the last call left it. */
export function errno(): number {
  return koffi.errno();
}
