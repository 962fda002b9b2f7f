// Everything that calls C, libbpf's functions and libc's; koffi is used nowhere else. May be imported by `maps`,
// `programs`, `exporter` and `cli`.

import { closeSync } from 'node:fs';
import { release } from 'node:os';
import { basename } from 'node:path';
import { mapTypes, variables } from '../btf/layout.ts';
import { type Btf, parseBtf } from '../btf/parse.ts';
import type { BpfProgramLayout, MapLayout, ObjectLayout } from '../btf/types.ts';
import { MeterError } from '../errors.ts';
import { attachKind } from './attach/registry.ts';
import { encodeConstant } from './constant.ts';
import { describe, LibbpfError, libbpfCause, pointerOrThrow, resultOrThrow } from './error.ts';
import {
  mapFd,
  mapIsInternal,
  mapIsMmapable,
  mapMaxEntries,
  mapName,
  mapSizes,
  mapTypeName,
  programName,
} from './handles.ts';
import { addressOf, keep, libbpf, memoryAt, type Pointer } from './library.ts';
import { LoadedObject } from './loaded.ts';
import { createMemoryMap, replaceFd } from './map.ts';
import { compileAgain, readObject } from './read-object.ts';

const openMemory = libbpf<(file: Uint8Array, size: number, options: number) => Pointer | null>(
  'void *bpf_object__open_mem(const void *obj_buf, size_t obj_buf_sz, uintptr_t opts)',
);
const close = libbpf<(object: Pointer) => void>('void bpf_object__close(void *obj)');
const load = libbpf<(object: Pointer) => number>('int bpf_object__load(void *obj)');
const btfOf = libbpf<(object: Pointer) => Pointer | null>('void *bpf_object__btf(void *obj)');
const rawData = libbpf<(btf: Pointer, size: Uint32Array) => Pointer | null>(
  'void *btf__raw_data(void *btf, void *size)',
);
const nextMap = libbpf<(object: Pointer, map: Pointer | null) => Pointer | null>(
  'void *bpf_object__next_map(void *obj, void *map)',
);
const nextProgram = libbpf<(object: Pointer, program: Pointer | null) => Pointer | null>(
  'void *bpf_object__next_program(void *obj, void *prog)',
);
const findMap = libbpf<(object: Pointer, name: string) => Pointer | null>(
  'void *bpf_object__find_map_by_name(void *obj, const char *name)',
);
const sectionName = libbpf<(program: Pointer) => string>('const char *bpf_program__section_name(void *prog)');
const programSetAutoload = libbpf<(program: Pointer, on: boolean) => number>(
  'int bpf_program__set_autoload(void *prog, bool autoload)',
);
const programAutoload = libbpf<(program: Pointer) => boolean>('bool bpf_program__autoload(void *prog)');
const programSetType = libbpf<(program: Pointer, type: number) => number>(
  'int bpf_program__set_type(void *prog, int type)',
);
const programSetExpectedAttachType = libbpf<(program: Pointer, type: number) => number>(
  'int bpf_program__set_expected_attach_type(void *prog, int type)',
);
const mapSetMaxEntries = libbpf<(map: Pointer, entries: number) => number>(
  'int bpf_map__set_max_entries(void *map, uint32_t max_entries)',
);
const mapSetAutocreate = libbpf<(map: Pointer, on: boolean) => number>(
  'int bpf_map__set_autocreate(void *map, bool autocreate)',
);
const mapInitialValue = libbpf<(map: Pointer, size: BigUint64Array) => Pointer | null>(
  'void *bpf_map__initial_value(void *map, void *size)',
);
const mapSetInitialValue = libbpf<(map: Pointer, data: Uint8Array, size: number) => number>(
  'int bpf_map__set_initial_value(void *map, void *data, size_t size)',
);
const mapReuseFd = libbpf<(map: Pointer, fd: number) => number>('int bpf_map__reuse_fd(void *map, int fd)');

/** struct bpf_object_open_opts of libbpf.h: size_t sz and, at their offsets, two of type const char *. */
const openOptions = { size: 56, objectName: 8, btfCustomPath: 48 };

interface OpenSettings {
  /**
   * Path of a file with the kernel's types in raw BTF, in place of /sys/kernel/btf/vmlinux, which CO-RE relocations are made
   * by when the object is loaded.
   */
  readonly btf?: string | undefined;
}

/**
 * An object that has been read and not been given to the kernel: needs no rights.
 * What is set here counts when it is loaded; loading ends this phase, whether or not it succeeds.
 */
export class OpenedObject implements Disposable {
  readonly path: string;
  readonly #settings: OpenSettings;
  readonly #layout: ObjectLayout;
  readonly #maps: ReadonlyMap<string, Pointer>;
  readonly #programs: ReadonlyMap<string, Pointer>;
  /** Bytes by section. */
  readonly #resized = new Map<string, number>();
  /** Undefined once it is loaded, failed to, or was disposed. */
  #object: Pointer | undefined;

  private constructor(path: string, object: Pointer, settings: OpenSettings, hasLicense: boolean) {
    this.path = path;
    this.#settings = settings;
    this.#object = object;
    this.#programs = new Map([...walk(object, nextProgram)].map((program) => [programName(program), program]));
    const all = [...walk(object, nextMap)];
    const own = all.filter((map) => !mapIsInternal(map));
    this.#maps = new Map(own.map((map) => [mapName(map), map]));
    this.#layout = { ...layoutOf(path, object, this.#maps, this.#programs), hasLicense };
  }

  /** Throws MeterError('object') where the file isn't a whole BPF object, MeterError('environment') without libbpf. */
  static open(path: string, settings: OpenSettings = {}): OpenedObject {
    // What was checked is what is opened, whatever becomes of the file meanwhile.
    const { file, hasLicense } = readObject(path);
    const options = new DataView(new ArrayBuffer(openOptions.size));
    options.setBigUint64(0, BigInt(openOptions.size), true);
    const name = Buffer.from(`${objectName(path)}\0`);
    options.setBigUint64(openOptions.objectName, BigInt(addressOf(name)), true);
    const btf = Buffer.from(`${settings.btf ?? ''}\0`);
    if (settings.btf !== undefined) {
      options.setBigUint64(openOptions.btfCustomPath, BigInt(addressOf(btf)), true);
    }
    const call = () => openMemory(file, file.length, addressOf(options));
    const object = pointerOrThrow('object', path, 'bpf_object__open_mem', call, compileAgain);
    keep(options, name, btf);
    try {
      return new OpenedObject(path, object, settings, hasLicense);
    } catch (error) {
      close(object);
      throw error;
    }
  }

  /** The same file once more, with the same settings; loading uses one up. Throws as `open` does. */
  again(): OpenedObject {
    return OpenedObject.open(this.path, this.#settings);
  }

  /** Maps, variables and programs with their types; plain data that outlives the object. */
  layout(): ObjectLayout {
    return this.#layout;
  }

  /**
   * Sets a variable of .rodata (`const volatile` in C): the verifier removes the code that the value switches off.
   * Throws MeterError('config') where the object has no such variable or the value doesn't fit its type.
   */
  setConstant(name: string, value: number | bigint): void {
    const subject = `${this.path}: constant ${name}`;
    const variable = this.#layout.variables.find((candidate) => candidate.name === name);
    if (!variable) throw new MeterError('config', `${subject}: not in the object`);
    if (!variable.section.startsWith('.rodata')) {
      throw new MeterError('config', `${subject}: is in ${variable.section}, so it can change while the program runs`, {
        remedy: 'Declare it `const volatile`',
      });
    }
    const bytes = encodeConstant(subject, variable.type, value);
    const map = this.#sectionMap(variable.section);
    const section = this.#initialValue(map, subject);
    section.set(bytes, variable.offset);
    resultOrThrow('object', subject, 'bpf_map__set_initial_value', () =>
      mapSetInitialValue(map, section, section.length),
    );
  }

  /** Whether loading loads the program. Throws MeterError('object') where there is no such program. */
  setAutoload(program: string, on: boolean): void {
    const handle = this.#program(program);
    resultOrThrow('object', this.#subject(program), 'bpf_program__set_autoload', () => programSetAutoload(handle, on));
  }

  /** False for a program that was switched off, or whose section begins with `?`. Throws MeterError('object'). */
  autoload(program: string): boolean {
    return programAutoload(this.#program(program));
  }

  /**
   * Whether loading creates the map; code that refers to one that isn't created must be removed by the verifier.
   * Throws MeterError('object') where there is no such map.
   */
  setAutocreate(map: string, on: boolean): void {
    const handle = this.#map(map);
    resultOrThrow('object', `${this.path}: map ${map}`, 'bpf_map__set_autocreate', () => mapSetAutocreate(handle, on));
  }

  /** Throws MeterError('object') where there is no such map. */
  setMaxEntries(map: string, entries: number): void {
    const handle = this.#map(map);
    resultOrThrow('object', `${this.path}: map ${map}`, 'bpf_map__set_max_entries', () =>
      mapSetMaxEntries(handle, entries),
    );
  }

  /** Makes a map be one that there is already, of another object. Throws MeterError('object'). */
  reuseMap(map: string, fd: number): void {
    const handle = this.#maps.get(map);
    if (this.#object === undefined || handle === undefined) {
      throw new MeterError('object', `${this.path}: map ${map}: not in the object`);
    }
    resultOrThrow('object', `${this.path}: map ${map}`, 'bpf_map__reuse_fd', () => mapReuseFd(handle, fd));
  }

  /**
   * Gives the one element of an mmapable ARRAY that has one another size in bytes. libbpf can too, but then the kernel
   * refuses the map for its type's size, and libbpf warns and makes it again without a type.
   * Throws MeterError('object') where there is no such map, MeterError('load') without the right to make maps.
   */
  resizeElement(map: string, bytes: number): void {
    const fd = createMemoryMap(kernelName(map), bytes);
    try {
      this.reuseMap(map, fd);
    } finally {
      // libbpf has made a copy of it.
      closeSync(fd);
    }
  }

  /**
   * Gives a data section that holds zeros (.bss, or one of the program's own) another size in bytes.
   * libbpf before 1.3 can't, so the map is made here and handed over; libbpf then leaves its contents alone.
   * Throws MeterError('object') where it holds anything else, MeterError('load') without the right to make maps.
   */
  resizeSection(section: string, bytes: number): void {
    const subject = `${this.path}: ${section}`;
    const map = this.#sectionMap(section);
    if (this.#initialValue(map, subject).some((byte) => byte !== 0)) {
      throw new MeterError('object', `${subject}: has initial values, so it can't be resized`);
    }
    const name = kernelName(section);
    // libbpf has mapped the section's old size, and unmaps in the end what it takes for the size: with the new one that
    // would be others' memory too. So it is given a map of the old size, and its descriptor another map after that.
    const first = createMemoryMap(name, mapSizes(map).valueSize);
    try {
      resultOrThrow('load', subject, 'bpf_map__reuse_fd', () => mapReuseFd(map, first));
    } finally {
      // libbpf has made a copy of it.
      closeSync(first);
    }
    const resized = createMemoryMap(name, bytes);
    try {
      replaceFd(subject, resized, mapFd(map));
    } finally {
      closeSync(resized);
    }
    this.#resized.set(section, bytes);
  }

  /** Creates the maps and gives the programs to the verifier. Throws MeterError('load'), with the verifier's log in `detail`. */
  load(): LoadedObject {
    const object = this.#open();
    this.#object = undefined;
    try {
      this.#setTypes();
      resultOrThrow('load', this.path, 'bpf_object__load', () => load(object));
    } catch (error) {
      close(object);
      throw this.#byTypes(error);
    }
    return new LoadedObject(this.path, this.#layout, this.#maps, this.#programs, {
      section: (name) => findMap(object, name),
      resized: this.#resized,
      close: () => close(object),
    });
  }

  [Symbol.dispose](): void {
    if (this.#object !== undefined) close(this.#object);
    this.#object = undefined;
  }

  /** libbpf opens a program of a section that it doesn't know, and refuses to load it for want of a type. */
  #setTypes(): void {
    for (const { name, section } of this.#layout.programs) {
      const { programType, expectedAttachType } = attachKind(section);
      const program = this.#programs.get(name)!;
      const subject = this.#subject(name);
      if (programType === undefined) continue;
      resultOrThrow('load', subject, 'bpf_program__set_type', () => programSetType(program, programType));
      if (expectedAttachType === undefined) continue;
      resultOrThrow('load', subject, 'bpf_program__set_expected_attach_type', () =>
        programSetExpectedAttachType(program, expectedAttachType),
      );
    }
  }

  /** What doesn't fit the kernel's types names the file that they are from, where that isn't the kernel itself. */
  #byTypes(error: unknown): unknown {
    const cause = libbpfCause(error);
    const { btf } = this.#settings;
    if (btf === undefined || cause === undefined || !/CO-RE/.test(cause.messages.join('\n'))) return error;
    const remedy = `The kernel's types are from "${btf}" (btf_path, --btf.path): see that it belongs to this kernel, ${release()}`;
    return describe('load', this.path, cause, remedy);
  }

  #open(): Pointer {
    if (this.#object === undefined) throw new MeterError('object', `${this.path}: no longer open`);
    return this.#object;
  }

  #subject(program: string): string {
    return `${this.path}: program ${program}`;
  }

  #program(name: string): Pointer {
    const handle = this.#programs.get(name);
    if (this.#object === undefined || handle === undefined) {
      throw new MeterError('object', `${this.#subject(name)}: not in the object`);
    }
    return handle;
  }

  #map(name: string): Pointer {
    const handle = this.#maps.get(name);
    if (this.#object === undefined || handle === undefined) {
      throw new MeterError('object', `${this.path}: map ${name}: not in the object`);
    }
    return handle;
  }

  #initialValue(map: Pointer, subject: string): Uint8Array {
    const size = new BigUint64Array(1);
    const value = pointerOrThrow('object', subject, 'bpf_map__initial_value', () => mapInitialValue(map, size));
    return new Uint8Array(memoryAt(value, Number(size[0]))).slice();
  }

  #sectionMap(section: string): Pointer {
    const map = findMap(this.#open(), section);
    if (map === null) throw new MeterError('object', `${this.path}: section ${section}: not in the object`);
    return map;
  }
}

/** What the names of its data sections' maps begin with: libbpf's own way to make it of a path. */
function objectName(path: string): string {
  return basename(path).replace(/\..*$/s, '');
}

function* walk(object: Pointer, next: (object: Pointer, previous: Pointer | null) => Pointer | null) {
  for (let item = next(object, null); item !== null; item = next(object, item)) yield item;
}

/** A map's name as the kernel takes it: letters, digits, `_` and `.`, at most 15. */
function kernelName(map: string): string {
  return map.slice(0, 15);
}

function layoutOf(
  path: string,
  object: Pointer,
  maps: ReadonlyMap<string, Pointer>,
  programs: ReadonlyMap<string, Pointer>,
): ObjectLayout {
  const btf = readBtf(object);
  const types = btf ? mapTypes(btf) : undefined;
  return {
    path,
    maps: [...maps].map(([name, map]): MapLayout => {
      const { keySize, valueSize } = mapSizes(map);
      return {
        name,
        type: mapTypeName(map),
        keySize,
        valueSize,
        maxEntries: mapMaxEntries(map),
        mmapable: mapIsMmapable(map),
        key: types?.get(name)?.key,
        value: types?.get(name)?.value,
      };
    }),
    variables: btf ? variables(btf) : [],
    programs: [...programs].map(([name, program]): BpfProgramLayout => ({ name, section: sectionName(program) })),
  };
}

function readBtf(object: Pointer): Btf | undefined {
  const btf = btfOf(object);
  if (btf === null) return undefined;
  const size = new Uint32Array(1);
  const data = rawData(btf, size);
  if (data === null) throw new LibbpfError('btf__raw_data', 0, []);
  return parseBtf(new Uint8Array(memoryAt(data, size[0] ?? 0)).slice());
}
