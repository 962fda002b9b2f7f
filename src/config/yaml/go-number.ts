/**
 * A plain YAML scalar as the number that Go's yaml.v2 reads it as, which ebpf_exporter's files are read with: YAML 1.1, where
 * `010` is 8, `0b11` is 3 and `1_000` is 1000. Undefined where it is no number to it, and where it is none that is finite.
 * Source: resolve.go of gopkg.in/yaml.v2 2.4.0, whose integers are those of strconv.ParseInt with base 0.
 */
export function goNumber(text: string): number | undefined {
  if (!/^[-+.0-9]/.test(text)) return undefined;
  const plain = text.replaceAll('_', '');
  const [, sign, digits] = /^([-+]?)(.*)$/s.exec(plain)!;
  const octal = /^0([0-7]+)$/.exec(digits!);
  const isPrefixed = /^0(?:[xX][\da-fA-F]+|[oO][0-7]+|[bB][01]+)$/.test(digits!);
  const isFloat = /^(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(digits!);
  if (octal === null && !isPrefixed && !isFloat) return undefined;
  const value = octal === null ? Number(digits) : Number.parseInt(octal[1]!, 8);
  // -0 is 0 to an integer, and to whoever reads a message.
  const signed = sign === '-' && value !== 0 ? -value : value;
  return Number.isFinite(signed) ? signed : undefined;
}
