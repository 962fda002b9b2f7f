import { MeterError } from '../errors.ts';
import { type BtfRecord, type BtfRecords, Kind, readHeader, readRecords } from './records.ts';

function broken(cause: string): MeterError {
  return new MeterError('object', `BTF: ${cause}`);
}

/**
 * Checks raw BTF for what its users take for granted: that everything is within, that each reference leads to a type of a kind
 * that can stand there, and that no type is made of itself. Returns what it read. Throws MeterError('object').
 * Source: Documentation/bpf/btf.rst of the kernel, and what kernel/bpf/btf.c refuses.
 */
export function checkBtf(bytes: Uint8Array): BtfRecords {
  const { view, headerLength, typesStart, typesEnd, stringsStart, stringsEnd } = readHeader(bytes);
  if (view.getUint8(2) !== 1) throw broken(`version ${view.getUint8(2)}, not 1`);
  if (headerLength < 24) throw broken(`a header of ${headerLength} bytes`);
  if (typesStart % 4 !== 0) throw broken('its types are not aligned to 4 bytes');
  if (typesEnd > stringsStart) throw broken('its types reach into its strings');
  if (bytes[stringsStart] !== 0 || stringsEnd === stringsStart || bytes[stringsEnd - 1] !== 0) {
    throw broken('its strings have no beginning or no end');
  }
  const found = readRecords(bytes);
  for (const [id, record] of found.records.entries()) checkRecord(found, id, record);
  checkCycles(found.records);
  return found;
}

/** Kinds of which nothing can have a value. */
const valueless: ReadonlySet<number> = new Set([
  ...[Kind.function, Kind.prototype, Kind.variable, Kind.section, Kind.declTag],
]);

function checkRecord({ records, hasString }: BtfRecords, id: number, record: BtfRecord): void {
  const { kind, view, data, length, sizeOrType } = record;
  const say = (cause: string) => broken(`type ${id} ${cause}`);
  const kindOf = (type: number): number => {
    const target = records[type];
    if (target === undefined) throw say(`refers to type ${type}, but there are only ${records.length}`);
    return target.kind;
  };
  const refers = (type: number): void => {
    if (valueless.has(kindOf(type))) throw say(`refers to type ${type}, of which nothing can be`);
  };
  const named = (offset: number): void => {
    if (!hasString(offset)) throw say(`has a name at ${offset}, outside of the strings`);
  };
  const word = (index: number) => view.getUint32(data + index * 4, true);
  const each = (words: number, check: (at: number) => void): void => {
    for (let index = 0; index < length; index++) check(index * words);
  };
  switch (kind) {
    case Kind.pointer:
      if (kindOf(sizeOrType) !== Kind.prototype) refers(sizeOrType);
      break;
    case Kind.typedef:
    case Kind.volatile:
    case Kind.const:
    case Kind.restrict:
    case Kind.typeTag:
      if (kindOf(sizeOrType) !== Kind.prototype) refers(sizeOrType);
      break;
    case Kind.array:
      refers(word(0));
      refers(word(1));
      break;
    case Kind.struct:
    case Kind.union:
      each(3, (at) => {
        named(word(at));
        refers(word(at + 1));
      });
      break;
    case Kind.enum:
      each(2, (at) => named(word(at)));
      break;
    case Kind.enum64:
      each(3, (at) => named(word(at)));
      break;
    case Kind.function:
      if (kindOf(sizeOrType) !== Kind.prototype) throw say('is a function without a prototype');
      break;
    case Kind.prototype:
      refers(sizeOrType);
      each(2, (at) => {
        named(word(at));
        refers(word(at + 1));
      });
      break;
    case Kind.variable:
      refers(sizeOrType);
      break;
    case Kind.section:
      each(3, (at) => {
        const member = kindOf(word(at));
        if (member !== Kind.variable && member !== Kind.function)
          throw say('is a section of other things than variables');
      });
      break;
    case Kind.declTag:
      checkTag(say, kindOf(sizeOrType), records[sizeOrType]!, word(0));
      break;
  }
}

function checkTag(say: (cause: string) => MeterError, kind: number, { length }: BtfRecord, component: number): void {
  const isWhole = component === 0xffffffff;
  const hasParts = kind === Kind.struct || kind === Kind.union || kind === Kind.prototype || kind === Kind.function;
  if (!isWhole && kind !== Kind.function && (!hasParts || component >= length))
    throw say('is a tag of what is not there');
}

/** The types that a type has in itself, so that it can't be in them. */
function partsOf({ kind, view, data, length, sizeOrType }: BtfRecord): number[] {
  switch (kind) {
    case Kind.typedef:
    case Kind.volatile:
    case Kind.const:
    case Kind.restrict:
    case Kind.typeTag:
    case Kind.variable:
    case Kind.declTag:
      return [sizeOrType];
    case Kind.array:
      return [view.getUint32(data, true), view.getUint32(data + 4, true)];
    case Kind.struct:
    case Kind.union:
      return Array.from({ length }, (_, index) => view.getUint32(data + index * 12 + 4, true));
    default:
      return [];
  }
}

/** Refuses types that contain themselves: whoever follows them would never come to an end. */
function checkCycles(records: readonly BtfRecord[]): void {
  const finished = new Uint8Array(records.length);
  const entered = new Uint8Array(records.length);
  for (let first = 1; first < records.length; first++) {
    if (finished[first]) continue;
    const path = [{ id: first, parts: partsOf(records[first]!), next: 0 }];
    entered[first] = 1;
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const part = top.parts[top.next++];
      if (part === undefined) {
        finished[top.id] = 1;
        path.pop();
      } else if (!finished[part]) {
        if (entered[part]) throw broken(`type ${part} contains itself`);
        entered[part] = 1;
        path.push({ id: part, parts: partsOf(records[part]!), next: 0 });
      }
    }
  }
}
