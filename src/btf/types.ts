/** BTF types with typedefs and qualifiers resolved. Source: Documentation/bpf/btf.rst of the kernel. */
export type BtfType =
  | {
      readonly kind: 'int';
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly bool: boolean;
      readonly char: boolean;
    }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly values: ReadonlyMap<bigint, string>;
    }
  | { readonly kind: 'array'; readonly element: BtfType; readonly length: number; readonly size: number }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly size: number;
      readonly members: readonly BtfMember[];
    }
  | { readonly kind: 'pointer'; readonly size: number }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  | { readonly kind: 'other'; readonly name: string; readonly size: number };

export interface BtfMember {
  readonly name: string;
  /** Bytes from the start of the struct. */
  readonly offset: number;
  /** Set where the member is a bitfield: no label or value can be read from one. */
  readonly bits: { readonly offset: number; readonly size: number } | undefined;
  readonly type: BtfType;
}

/**
 * What an opened, not yet loaded BPF object says of itself. Plain data, so that the configuration
 * is checked against it without libbpf.
 */
export interface ObjectLayout {
  /** The .bpf.o that it was read from. */
  readonly path: string;
  /** False where it says no license, so that kernels refuse it much; undefined: not known. */
  readonly hasLicense?: boolean;
  readonly maps: readonly MapLayout[];
  /** Global variables, by data section; those in .rodata are the constants that can be set before load. */
  readonly variables: readonly VariableLayout[];
  readonly programs: readonly BpfProgramLayout[];
}

export interface MapLayout {
  readonly name: string;
  /** Lower-case name as the kernel's enum has it without BPF_MAP_TYPE_: hash, percpu_hash, lru_hash, array, …; `type N` where unknown. */
  readonly type: string;
  /** Bytes. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly mmapable: boolean;
  /** Undefined where the object has no BTF for the map (legacy definitions, or key_size given as a number). */
  readonly key: BtfType | undefined;
  readonly value: BtfType | undefined;
}

export interface VariableLayout {
  readonly name: string;
  /** .bss, .data, .rodata, or a section of the program's own such as .data.calls. */
  readonly section: string;
  /** The variables of one section share a map; this is the offset in its value, in bytes. */
  readonly offset: number;
  readonly size: number;
  readonly type: BtfType;
}

export interface BpfProgramLayout {
  readonly name: string;
  readonly section: string;
}
