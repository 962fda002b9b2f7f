/**
 * A number as Go's Prometheus client writes it, in values and in `le`: 1e-06, 0.000128, 131072, 1.048576e+06.
 * That is strconv.FormatFloat(v, 'g', -1, 64): the fewest digits that read back as the same double, with an exponent
 * of at least two digits below 1e-4 and from 1e+06 on.
 * Source: formatDigits in src/strconv/ftoa.go of Go; writeFloat in expfmt/text_create.go of prometheus/common.
 */
export function goFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (value === 0) return '0';
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string];
  const exponent = Number(exponentText);
  // In this range JavaScript writes the same digits, without an exponent too.
  if (exponent >= -4 && exponent < 6) return String(value);
  const digits = String(Math.abs(exponent)).padStart(2, '0');
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`;
}
