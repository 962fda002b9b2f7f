import type { ObjectLayout } from '../btf/types.ts';
import type { Diagnostics } from './diagnostic.ts';
import type { ProgramFile } from './program-file.ts';
import { type OperatorSettings, setByOperator } from './resolve-constants.ts';

/** The network interfaces that an operator wants a program at, which must have an XDP program that names none itself. */
export function resolveInterfaces(
  file: ProgramFile,
  { interfaces, placeOf }: OperatorSettings,
  { path, programs }: ObjectLayout,
  diagnostics: Diagnostics,
): readonly string[] {
  if (interfaces === undefined || programs.some(({ section }) => /^\??xdp(\.frags)?$/.test(section))) {
    return interfaces ?? [];
  }
  const at = placeOf?.('interfaces');
  const message = `program "${file.name}" attaches to no interfaces: no section of ${path} is "xdp"`;
  diagnostics.error(at ?? file.at, at ? message : setByOperator + message);
  return [];
}
