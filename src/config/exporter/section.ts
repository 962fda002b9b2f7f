import type { ConfigEntry, ConfigMap, ConfigNode } from '../yaml/document.ts';
import { suggest } from '../yaml/nearest.ts';

/** What a section of the file may hold. */
interface SectionKeys {
  readonly supported: readonly string[];
  /** Keys that valid files have and this version lacks, each with what to do instead. */
  readonly unsupported?: Readonly<Record<string, string>>;
}

/** The map's entries; what isn't supported and what isn't known are errors at the key. */
export function section(node: ConfigNode, { supported, unsupported = {} }: SectionKeys) {
  const map = node.map();
  for (const { name, key } of map?.entries ?? []) {
    if (supported.includes(name)) continue;
    const instead = Object.hasOwn(unsupported, name) ? unsupported[name] : undefined;
    if (instead === undefined) key.error(`unknown key "${name}"${suggest(name, supported)}`);
    else key.error(`"${name}" isn't supported by this version; ${instead}`);
  }
  return map;
}

/** The one entry of a map whose key chooses a kind, such as `periodic` or `otlp_grpc`. */
export function choice(node: ConfigNode, keys: SectionKeys): ConfigEntry | undefined {
  const map = section(node, keys);
  if (map === undefined) return undefined;
  const [first, second] = map.entries;
  if (first === undefined) node.error(`${node.subject} must have one of ${keys.supported.join(', ')}`);
  if (second !== undefined) {
    second.key.error(`"${second.name}" beside "${first!.name}": ${node.subject} takes one of them`);
  }
  return first !== undefined && keys.supported.includes(first.name) ? first : undefined;
}

/** The value of a key; undefined where the key isn't there or has nothing behind it, which means the default. */
export function setting(map: ConfigMap | undefined, key: string): ConfigNode | undefined {
  const node = map?.get(key);
  return node === undefined || node.isNull ? undefined : node;
}

/** The value of a key that must be there and must not be empty. */
export function requiredSetting(map: ConfigMap, key: string): ConfigNode | undefined {
  const node = map.required(key);
  if (node?.isNull) node.error(`"${key}" has no value`);
  return node?.isNull ? undefined : node;
}

/** A list of texts, neither it nor they empty. */
export function words(node: ConfigNode | undefined): readonly string[] | undefined {
  const list = node?.list();
  if (list === undefined) return undefined;
  if (list.length === 0) node?.error(`${node.subject} is an empty list; leave it out`);
  return list.flatMap((item) => {
    const word = item.string();
    if (word?.trim() === '') item.error(`${item.subject} is empty`);
    return word === undefined || word.trim() === '' ? [] : [word];
  });
}
