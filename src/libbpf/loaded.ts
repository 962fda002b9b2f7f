import type { ObjectLayout } from '../btf/types.ts';
import { MeterError } from '../errors.ts';
import type { AttachKernel, AttachTarget } from './attach/kind.ts';
import { attachKind } from './attach/registry.ts';
import { mapFd, mapIsMmapable, mapMaxEntries, mapSizes, mapTypeName, programFd } from './handles.ts';
import type { Pointer } from './library.ts';
import type { Link } from './link.ts';
import type { KernelMap } from './map.ts';
import { type ProgramInfo, programInfo } from './stats.ts';

/** What a loaded object asks of the object that it was opened as. */
interface Handle {
  section(name: string): Pointer | null;
  /** Bytes of the sections that have another size than libbpf knows of. */
  readonly resized: ReadonlyMap<string, number>;
  close(): void;
}

/** Nothing is known of the machine. */
const unknownKernel: AttachKernel = { functionVariants: () => [] };

/** An object whose maps and programs are in the kernel, until it is disposed; made by OpenedObject.load. */
export class LoadedObject implements Disposable {
  readonly path: string;
  readonly #layout: ObjectLayout;
  readonly #maps: ReadonlyMap<string, Pointer>;
  readonly #programs: ReadonlyMap<string, Pointer>;
  readonly #handle: Handle;
  #closed = false;

  constructor(
    path: string,
    layout: ObjectLayout,
    maps: ReadonlyMap<string, Pointer>,
    programs: ReadonlyMap<string, Pointer>,
    handle: Handle,
  ) {
    this.path = path;
    this.#layout = layout;
    this.#maps = maps;
    this.#programs = programs;
    this.#handle = handle;
  }

  /** As it was before the load, but for what was set meanwhile: sizes are those of `map`. */
  layout(): ObjectLayout {
    return this.#layout;
  }

  /**
   * A map by its name, or a data section by its own: `.bss`.
   * Throws MeterError('map') where the object has none of that name.
   */
  map(name: string): KernelMap {
    this.#check();
    const map = this.#maps.get(name) ?? (name.startsWith('.') ? this.#handle.section(name) : null);
    if (map === null) {
      const known = [...this.#maps.keys()].join(', ');
      throw new MeterError('map', `${this.path}: map "${name}": not in the object`, {
        remedy: known === '' ? 'The object has no maps' : `The object has ${known}`,
      });
    }
    const { keySize, valueSize } = mapSizes(map);
    return {
      name,
      type: mapTypeName(map),
      fd: mapFd(map),
      keySize,
      valueSize: this.#handle.resized.get(name) ?? valueSize,
      maxEntries: mapMaxEntries(map),
      mmapable: mapIsMmapable(map),
    };
  }

  /** False for a program that was left out of the load. */
  isLoaded(program: string): boolean {
    return programFd(this.#program(program)) >= 0;
  }

  /**
   * Attaches a program to the hook that its section names (attach/), `xdp` to these network interfaces.
   * Throws MeterError('attach').
   */
  attach(program: string, kernel: AttachKernel = unknownKernel, interfaces: readonly string[] = []): Link {
    const target = this.target(program);
    return attachKind(target.section).attach({ ...target, interfaces }, kernel);
  }

  /** A program, for those who say themselves what it is attached to. Throws MeterError('object') where there is none. */
  target(program: string): AttachTarget {
    const pointer = this.#program(program);
    const { section } = this.#layout.programs.find(({ name }) => name === program)!;
    return { subject: `${this.path}: program ${program}`, section, program: pointer, interfaces: [] };
  }

  /** Id, tag and statistics. Throws MeterError('load') for a program that was not loaded. */
  programInfo(program: string): ProgramInfo {
    const fd = programFd(this.#program(program));
    if (fd < 0) throw new MeterError('load', `${this.path}: program ${program}: not loaded`);
    return programInfo(fd);
  }

  [Symbol.dispose](): void {
    if (!this.#closed) this.#handle.close();
    this.#closed = true;
  }

  #check(): void {
    if (this.#closed) throw new MeterError('object', `${this.path}: already closed`);
  }

  #program(name: string): Pointer {
    this.#check();
    const program = this.#programs.get(name);
    if (program === undefined) throw new MeterError('object', `${this.path}: program ${name}: not in the object`);
    return program;
  }
}
