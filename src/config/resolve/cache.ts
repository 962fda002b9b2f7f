import type { BtfMember, BtfType, MapLayout } from '../../btf/types.ts';
import type { CachePlan, DimensionPlan } from '../plan.ts';
import type { Located } from '../yaml/located.ts';
import { suggest } from '../yaml/nearest.ts';
import { isPadding, typeText } from './btf-path.ts';
import type { ResolveContext } from './context.ts';
import { Dimensions } from './dimensions.ts';

/** The cache in front of a map: an ARRAY map or global array, first index the CPU, of structs {key; value} as the map's own. */
export function resolveCache(
  map: MapLayout,
  cache: Located<string>,
  context: ResolveContext,
): { plan: CachePlan; perCpuFirst: readonly string[] } | undefined {
  const { layout, diagnostics } = context;
  const { value: name, at } = cache;
  const array = layout.maps.find((candidate) => candidate.name === name);
  const variable = layout.variables.find((candidate) => candidate.name === name);
  if (array === undefined && variable === undefined) {
    const known = [...layout.maps, ...layout.variables].map((candidate) => candidate.name);
    const names = known.filter((candidate) => !candidate.includes('.') && candidate !== map.name);
    diagnostics.error(at, `no BPF map or global variable "${name}" in ${layout.path}${suggest(name, names)}`);
    return undefined;
  }
  if (array !== undefined && array.type !== 'array') {
    diagnostics.error(at, `a cache is an ARRAY map or a global array, but "${name}" is of type ${array.type}`);
    return undefined;
  }
  const type = array === undefined ? variable!.type : array.value;
  const path = pathToEntry(array === undefined ? withoutFirst(type) : type);
  const shape = `a cache is [cpu] and further arrays of {key; value}`;
  if (path === undefined || (array === undefined && type?.kind !== 'array')) {
    const found = type === undefined ? 'no BTF type' : typeText(type);
    diagnostics.error(at, `${shape}, but "${name}" is ${array === undefined ? '' : 'an ARRAY of '}${found}`);
    return undefined;
  }
  const { key, value } = path;
  for (const [what, member, size] of [
    ['key', key, map.keySize],
    ['value', value, map.valueSize],
  ] as const) {
    if (member.type.size === size) continue;
    diagnostics.error(
      at,
      `the ${what} in "${name}" has ${member.type.size} bytes, that of map "${map.name}" has ${size}`,
    );
    return undefined;
  }

  const outermost = new Dimensions([{ value: 'cpu', at }], context);
  const own = { offset: 0, size: type!.size, type, name: `"${name}"` };
  if (array !== undefined) outermost.takeOwn(array, Math.ceil(array.valueSize / 8) * 8);
  else outermost.takeVariable(variable!, own);
  const memory =
    array === undefined ? { map: variable!.section, offset: variable!.offset } : { map: array.name, offset: 0 };
  return {
    plan: {
      memory: { ...memory, offset: memory.offset + path.offset },
      dimensions: [...outermost.finish(own), ...path.dimensions],
      keyOffset: key.offset,
      valueOffset: value.offset,
    },
    perCpuFirst: outermost.perCpuFirst,
  };
}

interface EntryPath {
  /** Bytes from the start of a CPU's element to the first entry. */
  readonly offset: number;
  /** The arrays on the way. */
  readonly dimensions: readonly DimensionPlan[];
  readonly key: BtfMember;
  readonly value: BtfMember;
}

/** Down through arrays, and structs of one member besides padding, to a struct {key; value}. */
function pathToEntry(type: BtfType | undefined): EntryPath | undefined {
  let offset = 0;
  const dimensions: DimensionPlan[] = [];
  for (let current = type; current !== undefined; ) {
    if (current.kind === 'array') {
      dimensions.push({ name: 'place', cpu: false, count: current.length, stride: current.element.size });
      current = current.element;
      continue;
    }
    if (current.kind !== 'struct') return undefined;
    const key = current.members.find(({ name }) => name === 'key');
    const value = current.members.find(({ name }) => name === 'value');
    if (key !== undefined && value !== undefined) return { offset, dimensions, key, value };
    const members = current.members.filter(({ name }) => name !== '' && !isPadding(name));
    if (members.length !== 1) return undefined;
    offset += members[0]!.offset;
    current = members[0]!.type;
  }
  return undefined;
}

function withoutFirst(type: BtfType | undefined): BtfType | undefined {
  return type?.kind === 'array' ? type.element : undefined;
}
