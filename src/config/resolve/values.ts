import type { BtfType } from '../../btf/types.ts';
import type { NumberType } from '../plan.ts';
import type { MetricEntry } from '../program/metric.ts';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';
import type { Located } from '../yaml/located.ts';
import { findPath, isPadding, numberType, type Place, typeText, visibleMembers } from './btf-path.ts';
import type { Element } from './dimensions.ts';

/** Consecutive numbers in a row's value. */
export interface Numbers {
  /** Bytes from the start of the value, or of the indexed element. */
  readonly offset: number;
  readonly type: NumberType;
  readonly count: number;
}

/** The number that a counter or gauge is; undefined where there is none, which is reported. */
export function numberIn(metric: MetricEntry, element: Element, diagnostics: Diagnostics): Numbers | undefined {
  const part = partOf(element, metric.field, diagnostics);
  if (part === undefined) return undefined;
  const at = metric.field?.at ?? metric.name.at;
  if (part.type === undefined) return numberBySize(element, at, diagnostics);
  const type = numberType(part.type);
  if (type !== undefined) return { offset: part.offset, type, count: 1 };
  const remedy =
    part.type.kind === 'struct'
      ? 'name the number in "field"'
      : part.type.kind === 'array'
        ? 'describe it in "maps" and name its indexes in "index", or take one element: "field: name[0]"'
        : 'a metric is an integer of 1, 2, 4 or 8 bytes';
  const name = metric.field === undefined ? element.name : `"${metric.field.value}"`;
  diagnostics.error(at, `${name} is ${typeText(part.type)}, not a number: ${remedy}`);
  return undefined;
}

/** The slots and the sum of a histogram in the value. */
interface SlotNumbers {
  readonly slots: Numbers;
  readonly sum: Numbers | undefined;
  /** Where messages about the slots belong. */
  readonly at: Position;
}

/** Whether a histogram's value is one number, so that its bucket is in the key. */
export function isBucketCount(metric: MetricEntry, element: Element): boolean {
  if (metric.slots !== undefined || metric.sum !== undefined || metric.field !== undefined) return false;
  return element.type === undefined || numberType(element.type) !== undefined;
}

/** Finds slots and sum as the file names them, else by their types; undefined where they don't fit, which is reported. */
export function slotsIn(metric: MetricEntry, element: Element, diagnostics: Diagnostics): SlotNumbers | undefined {
  const part = partOf(element, metric.field, diagnostics);
  if (part === undefined) return undefined;
  const { type } = part;
  const at = metric.slots?.at ?? metric.field?.at ?? metric.name.at;
  if (type === undefined) {
    diagnostics.error(at, `${element.name} has no BTF type, so it has no slots`);
    return undefined;
  }
  const whole = { offset: part.offset, type };
  const name = metric.field === undefined ? element.name : `"${metric.field.value}"`;
  if (metric.slots === undefined && metric.sum !== undefined) {
    diagnostics.error(metric.sum.at, '"sum" goes with "slots"');
    return undefined;
  }
  const slotsPlace = metric.slots
    ? pathIn(whole, metric.slots, name, diagnostics)
    : findSlots(whole, name, at, diagnostics);
  if (slotsPlace === undefined) return undefined;
  const slots = slotNumbers(slotsPlace, at, diagnostics);
  const sumPlace =
    metric.slots === undefined ? findSum(whole) : metric.sum && pathIn(whole, metric.sum, name, diagnostics);
  const sumType = sumPlace && numberType(sumPlace.type);
  if (metric.sum !== undefined && sumPlace !== undefined && sumType === undefined) {
    diagnostics.error(metric.sum.at, `"${metric.sum.value}" is ${typeText(sumPlace.type)}, not a number`);
  }
  if (slots === undefined || (metric.sum !== undefined && sumType === undefined)) return undefined;
  return { slots, sum: sumPlace && sumType && { offset: sumPlace.offset, type: sumType, count: 1 }, at };
}

interface Part {
  readonly offset: number;
  readonly type: BtfType | undefined;
}

/** What `field` names in the element, or the element itself. */
function partOf(element: Element, field: Located<string> | undefined, diagnostics: Diagnostics): Part | undefined {
  if (field === undefined) return element;
  if (element.type === undefined) {
    diagnostics.error(field.at, `${element.name} has no BTF type, so it has no fields`);
    return undefined;
  }
  return pathIn({ offset: element.offset, type: element.type }, field, element.name, diagnostics);
}

function pathIn(whole: Place, path: Located<string>, name: string, diagnostics: Diagnostics): Place | undefined {
  const place = findPath(whole.type, path.value);
  if (!('error' in place)) return { offset: whole.offset + place.offset, type: place.type };
  diagnostics.error(path.at, `${name}: ${place.error}`);
  return undefined;
}

/** Without BTF a value is an unsigned number of its size, as ebpf_exporter reads it. */
function numberBySize({ offset, size, name }: Element, at: Position, diagnostics: Diagnostics): Numbers | undefined {
  if (size === 8 || size === 4) return { offset, type: size === 8 ? 'u64' : 'u32', count: 1 };
  diagnostics.error(at, `${name} has ${size} bytes and no BTF type: only 4 or 8 are a number`);
  return undefined;
}

function slotNumbers(place: Place, at: Position, diagnostics: Diagnostics): Numbers | undefined {
  const element = place.type.kind === 'array' ? numberType(place.type.element) : undefined;
  if (place.type.kind === 'array' && element?.startsWith('u')) {
    return { offset: place.offset, type: element, count: place.type.length };
  }
  diagnostics.error(at, `slots are an array of unsigned integers, not ${typeText(place.type)}`);
  return undefined;
}

/** The only array of integers in a struct, or the array itself. */
function findSlots(whole: Place, name: string, at: Position, diagnostics: Diagnostics): Place | undefined {
  if (whole.type.kind === 'array') return whole;
  const arrays = visibleMembers(whole.type).filter(
    (member) =>
      !isPadding(member.name) && member.type.kind === 'array' && numberType(member.type.element) !== undefined,
  );
  if (arrays.length === 1) return { offset: whole.offset + arrays[0]!.offset, type: arrays[0]!.type };
  const many = arrays.map((member) => member.name).join(', ');
  const found =
    arrays.length > 0
      ? `has ${arrays.length} arrays of integers (${many}): name one in "slots"`
      : whole.type.kind === 'struct'
        ? 'has no array of slots: name the struct that has in "field"'
        : 'is no histogram';
  diagnostics.error(at, `${name} is ${typeText(whole.type)}, which ${found}`);
  return undefined;
}

function findSum(whole: Place): Place | undefined {
  const member = visibleMembers(whole.type).find(
    ({ name, bits, type }) => name === 'sum' && bits === undefined && numberType(type) !== undefined,
  );
  return member && { offset: whole.offset + member.offset, type: member.type };
}
