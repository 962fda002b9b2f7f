import type { DecoderPlan } from '../../decoders/plan.ts';
import { checkDecoder, decoderNames } from '../../decoders/registry.ts';
import type { Position } from '../yaml/diagnostic.ts';
import type { ConfigNode } from '../yaml/document.ts';
import { type Located, located, locatedText } from '../yaml/located.ts';
import { suggest } from '../yaml/nearest.ts';

/** One label as it is written. */
export interface LabelEntry {
  readonly name: Located<string>;
  /** A member of the key's struct, or a name in `index`. */
  readonly field: Located<string> | undefined;
  /** Bytes of the key, in order (ebpf_exporter's way). */
  readonly size: Located<number> | undefined;
  /** Bytes that are skipped behind it. */
  readonly padding: Located<number> | undefined;
  readonly decoders: readonly DecoderEntry[];
}

interface DecoderEntry extends DecoderPlan {
  readonly at: Position;
}

/** What ebpf_exporter's static_map gives where there is no map. */
const withoutMap = 'empty mapping';

/** The largest key that a BPF hash map takes is far below; this only keeps sums exact. */
const largestSize = 65536;

/** A list of labels, empty where there is none; labels without a name are reported and left out. */
export function parseLabels(node: ConfigNode | undefined): LabelEntry[] {
  const labels: LabelEntry[] = [];
  for (const item of node?.list() ?? []) {
    const label = parseLabel(item);
    if (label === undefined) continue;
    if (labels.some(({ name }) => name.value === label.name.value))
      item.error(`label "${label.name.value}" is there twice`);
    labels.push(label);
  }
  return labels;
}

function parseLabel(node: ConfigNode): LabelEntry | undefined {
  const label = node.map(['name', 'field', 'size', 'padding', 'decoders']);
  if (label === undefined) return undefined;
  const name = locatedText(label.required('name'));
  const entry = {
    field: locatedText(label.get('field')),
    size: located(label.get('size'), (size) => size.integer({ min: 1, max: largestSize })),
    padding: located(label.get('padding'), (padding) => padding.integer({ min: 0, max: largestSize })),
    decoders: (label.get('decoders')?.list() ?? []).flatMap((item) => parseDecoder(item) ?? []),
  };
  if (entry.field !== undefined && entry.size !== undefined) {
    label.get('size')!.error('a label has "field" or "size", not both: the field\'s type tells its size');
  }
  if (name === undefined) return undefined;
  if (!/^[^\s\p{Cc}]+$/u.test(name.value)) {
    label.get('name')!.error(`label name ${JSON.stringify(name.value)} has spaces or control characters`);
  }
  return { name, ...entry };
}

function parseDecoder(node: ConfigNode): DecoderEntry | undefined {
  const decoder = node.map(['name', 'static_map', 'regexps', 'allow_unknown']);
  const nameNode = decoder?.required('name');
  const name = locatedText(nameNode)?.value;
  if (decoder === undefined || nameNode === undefined || name === undefined) return undefined;
  const known: readonly string[] = decoderNames;
  if (!known.includes(name)) {
    nameNode.error(`unknown decoder "${name}"${suggest(name, known)}`);
    return undefined;
  }
  const written = parseStaticMap(decoder.get('static_map'));
  const lacksMap = name === 'static_map' && written === undefined && decoder.node.readsAsExporter;
  if (lacksMap) nameNode.warn(`decoder static_map: it has no static_map, so the label is always "${withoutMap}"`);
  const staticMap = lacksMap ? new Map<string, string>() : written;
  const regexps = decoder.get('regexps')?.list();
  const allowUnknown = decoder.get('allow_unknown')?.yesOrNo();
  const plan: DecoderPlan = {
    name,
    ...(staticMap && { staticMap }),
    ...(lacksMap && { otherwise: withoutMap }),
    ...(regexps && { regexps: regexps.flatMap((item) => item.text() ?? []) }),
    ...(allowUnknown !== undefined && { allowUnknown }),
  };
  // An enum's names come from BTF where they aren't given, which is seen later.
  if (name !== 'enum' || staticMap !== undefined) {
    const error = checkDecoder(plan);
    if (error !== undefined) nameNode.error(withRemedy(error));
  }
  return { ...plan, at: nameNode.position };
}

function withRemedy({ message, remedy }: { message: string; remedy: string | undefined }): string {
  return remedy === undefined ? message : `${message}. ${remedy}`;
}

function parseStaticMap(node: ConfigNode | undefined): Map<string, string> | undefined {
  const map = node?.map();
  if (map === undefined) return undefined;
  const result = new Map<string, string>();
  for (const { name, value } of map.entries) {
    if (value.isNull) {
      value.warn(
        `${value.subject} of "static_map" is empty, and so is the label: put "null" into quotes if it is the text`,
      );
    }
    const text = value.isNull ? '' : value.text();
    if (text !== undefined) result.set(name, text);
  }
  return result;
}
