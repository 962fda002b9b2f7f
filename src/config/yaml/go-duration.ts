/** Nanoseconds. */
const units: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * Milliseconds of a duration as Go writes it: `1h30m`, `1.5s`, `-10ms`, `0`; undefined where it is none. A number alone is
 * nanoseconds, as Go's YAML reads it. Source: ParseDuration in the documentation of Go's package time.
 */
export function goDuration(text: string): number | undefined {
  if (/^[-+]?[0-9]+$/.test(text)) return Number(text) / 1e6;
  const part = /([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)/;
  if (!new RegExp(`^[-+]?(?:${part.source})+$`).test(text)) return undefined;
  const parts = text.matchAll(new RegExp(part, 'g'));
  const nanoseconds = [...parts].reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0);
  return ((text.startsWith('-') ? -1 : 1) * nanoseconds) / 1e6;
}
