// Maps that NAME.yaml alone describes, and the layouts that they have as if an object had them; src/programs/without-c
// counts them. May be imported within config by `program` and `resolve`.

import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { ConfigMap } from '../yaml/document.ts';
import { functionMaps } from './function-maps.ts';
import type { MapKind, MapWithoutC } from './map-kind.ts';
import { perfEventMaps } from './perf-event-maps.ts';
import { tracepointMaps } from './tracepoint-maps.ts';

const kinds: readonly MapKind[] = [perfEventMaps, functionMaps, tracepointMaps];

/** The keys that make an entry of `maps` one without C. */
export const mapKindKeys: readonly string[] = kinds.map(({ key }) => key);

/** The kind that an entry of `maps` asks for by a key that is there. */
export function mapKindOf(entry: ConfigMap | undefined): MapKind | undefined {
  return kinds.find(({ key }) => entry?.get(key) !== undefined);
}

/** What an entry of this kind describes; undefined where it is wrong, which is reported. */
export function parseMapWithoutC(
  kind: MapKind,
  entry: ConfigMap,
  map: string,
  diagnostics: Diagnostics,
): MapWithoutC | undefined {
  return kind.parse(entry.get(kind.key)!, entry, map, diagnostics);
}
