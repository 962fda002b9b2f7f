import type { Pointer } from '../library.ts';
import type { Link } from '../link.ts';

/** One BPF program of a loaded object, to be attached. */
export interface AttachTarget {
  /** What errors begin with: the object's path and the program's name. */
  readonly subject: string;
  /** As it stands in C, with `?` in front where it does there. */
  readonly section: string;
  /** libbpf's struct bpf_program. */
  readonly program: Pointer;
  /** Names of the network interfaces that the operator wants it attached to; for `xdp`. */
  readonly interfaces: readonly string[];
}

/** What attaching may ask of the machine; src/kernel knows it, and whoever attaches hands it in. */
export interface AttachKernel {
  /** Names under which the compiler has put this function, such as `NAME.isra.0`; none where the kernel doesn't tell. */
  functionVariants(name: string): readonly string[];
}

/**
 * A way of attaching, for the sections that it takes. One file in this folder each, listed in registry.ts, where the first
 * that takes a section is asked.
 */
export interface AttachKind {
  /** As the field calls it: `kprobe`, `xdp`. */
  readonly name: string;
  /** Given the section without a `?` in front. */
  takes(section: string): boolean;
  /**
   * Of enum bpf_prog_type (include/uapi/linux/bpf.h), for sections of which libbpf knows no type and refuses to load the
   * program; set before the object is loaded. Undefined: libbpf knows it.
   */
  readonly programType?: number;
  /** Of enum bpf_attach_type, set with the program's type. */
  readonly expectedAttachType?: number;
  /** Attaches until the link is disposed. Throws MeterError('attach') with a LibbpfError as its cause. */
  attach(target: AttachTarget, kernel: AttachKernel): Link;
}
