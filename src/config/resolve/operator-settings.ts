import type { ProgramFile } from '../program/file.ts';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';

/** What an operator says of a program besides its own file. */
export interface OperatorSettings {
  /** Names as in the program's file; undefined: all that are not expensive. */
  readonly metrics?: readonly string[] | undefined;
  /** Values of .rodata variables, which win over the file's. */
  readonly constants?: ReadonlyMap<string, number | bigint> | undefined;
  /** By hook, the only way in that is to be tried. */
  readonly ways?: ReadonlyMap<string, string> | undefined;
  /** Names of the network interfaces that its XDP program is attached to. */
  readonly interfaces?: readonly string[] | undefined;
  /**
   * Where `interfaces`, `metrics.METRIC`, `constants.CONSTANT`, `ways.HOOK` or `ways.HOOK.WAY` is said; unset or undefined:
   * in no file.
   */
  readonly placeOf?: ((setting: string) => Position | undefined) | undefined;
}

/** Where a message about a setting belongs, and what it starts with: the program's file stands for what no file says. */
export function whoSaid(
  setting: string,
  { at }: ProgramFile,
  { placeOf }: OperatorSettings,
): { readonly at: Position; readonly who: string } {
  const place = placeOf?.(setting);
  return place === undefined ? { at, who: "the exporter's configuration: " } : { at: place, who: '' };
}

/** Reports what is wrong with a setting, where it is said. */
export function blameOperator(
  setting: string,
  message: string,
  file: ProgramFile,
  options: OperatorSettings,
  diagnostics: Diagnostics,
): void {
  const { at, who } = whoSaid(setting, file, options);
  diagnostics.error(at, who + message);
}
