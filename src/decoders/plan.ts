/** One step of a label's decoding, as a plan asks for it: a decoder of the registry, with its options. */
export interface DecoderPlan {
  readonly name: string;
  /** static_map, and enum (by the number's decimal text). */
  readonly staticMap?: ReadonlyMap<string, string>;
  /** What static_map gives for everything that isn't in the map; absent: what `allowUnknown` says. */
  readonly otherwise?: string;
  readonly regexps?: readonly string[];
  readonly allowUnknown?: boolean;
}
