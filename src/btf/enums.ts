import { Kind, readHeader, recordSize, trailing } from './records.ts';

/**
 * The names of an enum's numbers in raw little-endian BTF, the first enum that is called so; undefined where there is none.
 * Looks at nothing else: the kernel's own BTF has 100,000 types and more, of which a whole parse would make objects.
 * Throws MeterError('object') where the bytes aren't BTF. Source: Documentation/bpf/btf.rst of the kernel.
 */
export function enumNames(bytes: Uint8Array, name: string): ReadonlyMap<number, string> | undefined {
  const { view, typesStart, typesEnd, stringsStart, stringsEnd } = readHeader(bytes);
  const wanted = new TextEncoder().encode(`${name}\0`);
  const decoder = new TextDecoder();
  let position = typesStart;
  while (position + recordSize <= typesEnd) {
    const info = view.getUint32(position + 4, true);
    const kind = (info >>> 24) & 0x1f;
    const length = info & 0xffff;
    const more = trailing(kind, length);
    if (more === undefined || position + recordSize + more > typesEnd) return undefined;
    if (kind === Kind.enum && isName(view.getUint32(position, true))) return values(position + recordSize, length);
    position += recordSize + more;
  }
  return undefined;

  function isName(offset: number): boolean {
    const at = stringsStart + offset;
    return at + wanted.length <= stringsEnd && wanted.every((byte, i) => bytes[at + i] === byte);
  }

  function values(start: number, length: number): Map<number, string> {
    const names = new Map<number, string>();
    for (let i = 0; i < length; i++) {
      const at = stringsStart + view.getUint32(start + i * 8, true);
      const text = decoder.decode(bytes.subarray(at, bytes.indexOf(0, at)));
      const number = view.getUint32(start + i * 8 + 4, true);
      if (!names.has(number)) names.set(number, text);
    }
    return names;
  }
}
