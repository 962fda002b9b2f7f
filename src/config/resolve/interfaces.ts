import type { ObjectLayout } from '../../btf/types.ts';
import type { ProgramFile } from '../program/file.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import { blameOperator, type OperatorSettings } from './operator-settings.ts';

/** The network interfaces that an operator wants a program at, which must have an XDP program that names none itself. */
export function resolveInterfaces(
  file: ProgramFile,
  options: OperatorSettings,
  { path, programs }: ObjectLayout,
  diagnostics: Diagnostics,
): readonly string[] {
  const { interfaces } = options;
  if (interfaces === undefined || programs.some(({ section }) => /^\??xdp(\.frags)?$/.test(section))) {
    return interfaces ?? [];
  }
  const message = `program "${file.name}" attaches to no interfaces: no section of ${path} is "xdp"`;
  blameOperator('interfaces', message, file, options, diagnostics);
  return [];
}
