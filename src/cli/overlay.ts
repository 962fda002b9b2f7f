import { type Overlay, throwAll } from '../config/exporter/assemble.ts';
import type { ExporterConfig } from '../config/exporter/configuration.ts';
import { allOptions, type CheckedOptions, type Options } from './options.ts';

/** Checks what was typed; never throws. `errors` are one line each, in the rows' order. */
export function checkOptions(options: Partial<Options>): { options: CheckedOptions; errors: readonly string[] } {
  const errors: string[] = [];
  const entries = allOptions.map(([key, { name, check }]) => {
    const typed = options[key];
    if (typed === undefined || check === undefined) return [key, typed] as const;
    const checked = check(typed as never);
    if ('value' in checked) return [key, checked.value] as const;
    errors.push(`--${name}: ${checked.cause}`);
    return [key, undefined] as const;
  });
  return { options: Object.fromEntries(entries), errors };
}

/** What the options lay over the file or the environment. Throws MeterError('usage') with all that is wrong in them. */
export function overlayOf(options: Partial<Options>): Overlay {
  const { options: checked, errors } = checkOptions(options);
  throwAll('usage', errors);
  return {
    prometheus: checked.prometheus !== undefined,
    otlp: checked.otlp,
    over: (config) => allOptions.reduce((below, [key, { place }]) => placed(below, checked[key], place), config),
  };
}

function placed(
  config: ExporterConfig,
  value: unknown,
  place: ((config: ExporterConfig, value: never) => ExporterConfig) | undefined,
): ExporterConfig {
  return value === undefined || place === undefined ? config : place(config, value as never);
}
