import type { MapLayout } from '../../btf/types.ts';
import type { CachePlan, ExpirePlan, LabelPlan } from '../plan.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';
import type { Located } from '../yaml/located.ts';
import { isRemovable } from './object-parts.ts';

/** Where the key has the id of a cgroup, whose end is the key's too; undefined where something was wrong, which is reported. */
export function resolveExpire(
  map: MapLayout,
  labels: readonly LabelPlan[],
  cache: CachePlan | undefined,
  { at }: Located<'cgroup'>,
  diagnostics: Diagnostics,
): ExpirePlan | undefined {
  if (!isRemovable(map)) {
    diagnostics.error(at, `map "${map.name}" is of type ${map.type}, from which no key can be removed`);
    return undefined;
  }
  const ids = labels.filter(({ size, decoders }) => size === 8 && decoders.some(({ name }) => name === 'cgroup'));
  if (ids.length !== 1) {
    const found = ids.length === 0 ? 'no label' : `${ids.length} labels`;
    diagnostics.error(
      at,
      `"expire" needs one label of 8 bytes with the decoder cgroup; map "${map.name}" has ${found}`,
    );
    return undefined;
  }
  // A place in a cache is freed by one aligned write of each 8 bytes, while programs go on counting beside it.
  const aligned = [
    map.keySize,
    map.valueSize,
    ...(cache ? [cache.keyOffset, cache.valueOffset, cache.memory.offset] : []),
  ];
  if (cache !== undefined && aligned.some((bytes) => bytes % 8 !== 0)) {
    diagnostics.error(
      at,
      '"expire" needs keys and values of the cache whose sizes and places are multiples of 8 bytes',
    );
    return undefined;
  }
  return { offset: ids[0]!.offset };
}
