import type { MapLayout } from '../../btf/types.ts';
import type { DecoderPlan } from '../../decoders/plan.ts';
import type { CountSpec } from '../plan.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { ConfigMap, ConfigNode } from '../yaml/document.ts';

/** A kind of maps without C: what a key in an entry of `maps` asks for. One file in this folder each, listed in map-kinds.ts. */
export interface MapKind {
  /** The key that asks for it: `perf_events`. */
  readonly key: string;
  /** Other keys of the entry that go with it, besides `labels`. */
  readonly options: readonly string[];
  /**
   * `node` is the key's value, `entry` all of the map's entry, `map` its name.
   * Undefined where something is wrong, which is reported.
   */
  parse(node: ConfigNode, entry: ConfigMap, map: string, diagnostics: Diagnostics): MapWithoutC | undefined;
}

/** A map as if an object had it, and what is to be counted in it. */
export interface MapWithoutC {
  readonly layout: MapLayout;
  /** Labels by the key's members, unless the file says otherwise. */
  readonly labels: readonly DefaultLabel[];
  readonly counts: CountSpec;
}

export interface DefaultLabel {
  readonly name: string;
  /** The member of the key's struct. */
  readonly field: string;
  readonly decoders: readonly DecoderPlan[];
}
