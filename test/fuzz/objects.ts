import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSections } from '../../src/elf/file.ts';
import { compileFixture } from '../fixtures/compile.ts';

type Range = readonly [start: number, end: number];

/** The files of some shipped objects, and of fixtures that have what those don't. */
export function objectFiles(): string[] {
  const shipped = ['sched', 'xdp', 'tlb'].map((name) =>
    join(import.meta.dirname, '..', '..', 'build', 'programs', `${name}.bpf.o`),
  );
  return [
    ...shipped,
    ...['types', 'every-map', 'attach-kinds', 'exporter/maps', 'exporter/functions'].map(compileFixture),
  ];
}

export function objects(): Uint8Array[] {
  return objectFiles().map((path) => Uint8Array.from(readFileSync(path)));
}

/** Where what libbpf reads stands; tables and types several times, since they are most easily wrong. */
export function objectRanges(file: Uint8Array): readonly Range[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headers = Number(view.getBigUint64(40, true));
  const found: Range[] = [
    [0, 64],
    [headers, headers + 64 * view.getUint16(60, true)],
  ];
  for (const { name, bytes } of readSections(file)) {
    if (bytes.length === 0 || /debug|llvm/.test(name)) continue;
    const range: Range = [bytes.byteOffset - file.byteOffset, bytes.byteOffset - file.byteOffset + bytes.length];
    const isTable = /^\.(BTF|symtab|rel|maps)/.test(name);
    found.push(range, ...(isTable ? [range, range, [range[0], Math.min(range[0] + 64, range[1])] as const] : []));
  }
  return found;
}
