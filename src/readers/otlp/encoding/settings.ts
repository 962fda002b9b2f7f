/** aggregation_temporality, the field 2 of all that have one: 1 is delta, 2 cumulative. */
export function temporalitySettings(isDelta: boolean): Uint8Array {
  return Uint8Array.of(0x10, isDelta ? 1 : 2);
}

/** The temporality and is_monotonic (field 3): map-fed sums only grow. */
export function sumSettings(isDelta: boolean): Uint8Array {
  return Uint8Array.of(...temporalitySettings(isDelta), 0x18, 1);
}
