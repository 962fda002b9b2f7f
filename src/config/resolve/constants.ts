import type { ObjectLayout, VariableLayout } from '../../btf/types.ts';
import type { NumberType } from '../plan.ts';
import type { ProgramFile } from '../program/file.ts';
import type { MetricEntry } from '../program/metric.ts';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';
import { suggest } from '../yaml/nearest.ts';
import { numberType, typeText } from './btf-path.ts';
import { constantsOf } from './object-parts.ts';
import { type OperatorSettings, whoSaid } from './operator-settings.ts';

/**
 * Values of .rodata variables: those that the file gives, an operator's in their place, and per constant that metrics
 * need 1 where one of them is enabled, else 0.
 */
export function resolveConstants(
  file: ProgramFile,
  enabled: readonly MetricEntry[],
  options: OperatorSettings,
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): ReadonlyMap<string, number | bigint> {
  const values = new Map<string, number | bigint>();
  const overrides = options.constants ?? new Map<string, number | bigint>();
  const operator = (name: string) => whoSaid(`constants.${name}`, file, options);
  const set = (name: string, value: bigint, at: Position, who: string) => {
    const number = constantValue(name, value, at, who, layout, diagnostics);
    if (number !== undefined) values.set(name, number);
  };

  for (const [name, { value, at }] of file.constants) set(name, value, at, '');
  for (const [name, value] of overrides) {
    const { at, who } = operator(name);
    if (Number.isInteger(value) || typeof value === 'bigint') set(name, BigInt(value), at, who);
    else diagnostics.error(at, `${who}constant "${name}" must be an integer, not ${value}`);
  }
  const needed = new Set(enabled.flatMap(({ needs }) => needs.constants.map(({ value }) => value)));
  for (const { value: name, at } of file.metrics.flatMap(({ needs }) => needs.constants)) {
    if (file.constants.has(name)) {
      diagnostics.error(file.constants.get(name)!.at, `constant "${name}" is set by the metrics that need it`);
    } else if (overrides.has(name)) {
      const place = operator(name);
      diagnostics.error(
        place.at,
        `${place.who}constant "${name}" is set by the metrics that need it: enable or disable those`,
      );
    } else set(name, needed.has(name) ? 1n : 0n, at, '');
  }
  return values;
}

/** The value as its variable holds it; undefined where there is none or it doesn't fit, which is reported. */
export function constantValue(
  name: string,
  value: bigint,
  at: Position,
  who: string,
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): number | bigint | undefined {
  const variable = findConstant(name, at, who, layout, diagnostics);
  const type = variable && constantType(variable, at, diagnostics);
  if (type === undefined) return undefined;
  const { min, max } = rangeOf(type);
  if (value >= min && value <= max) return exact(value);
  diagnostics.error(at, `${who}constant "${name}" is ${type}: ${value} is not from ${min} to ${max}`);
  return undefined;
}

function findConstant(
  name: string,
  at: Position,
  who: string,
  layout: ObjectLayout,
  diagnostics: Diagnostics,
): VariableLayout | undefined {
  const constants = constantsOf(layout);
  const variable = constants.find((candidate) => candidate.name === name);
  if (variable !== undefined) return variable;
  const known = constants.map((candidate) => candidate.name);
  diagnostics.error(at, `${who}no constant "${name}" in .rodata of ${layout.path}${suggest(name, known)}`);
  return undefined;
}

function constantType(
  { name, type }: VariableLayout,
  at: Position,
  diagnostics: Diagnostics,
): ConstantType | undefined {
  if (type.kind === 'int' && type.bool) return 'bool';
  const number = numberType(type);
  if (number === undefined) diagnostics.error(at, `constant "${name}" is ${typeText(type)}, which can't be set`);
  return number;
}

type ConstantType = NumberType | 'bool';

function rangeOf(type: ConstantType): { min: bigint; max: bigint } {
  if (type === 'bool') return { min: 0n, max: 1n };
  const bits = BigInt(type.slice(1));
  return type.startsWith('i')
    ? { min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n }
    : { min: 0n, max: (1n << bits) - 1n };
}

function exact(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
