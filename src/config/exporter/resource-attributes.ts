import { attributeWarning } from '../names/reserved.ts';
import type { ConfigNode } from '../yaml/document.ts';
import type { DetectionConfig, DetectorName, ResourceValue } from './configuration.ts';
import { readIncludeExclude } from './include-exclude.ts';
import { parseKeyValues } from './key-values.ts';
import { choice, requiredSetting, section, setting } from './section.ts';

const types = ['string', 'bool', 'int', 'double', 'string_array', 'bool_array', 'int_array', 'double_array'] as const;

/** `resource` of the file: `attributes` win over `attributes_list`. */
export function readResource(node: ConfigNode): {
  readonly attributes: Readonly<Record<string, ResourceValue>>;
  readonly schemaUrl: string | undefined;
  readonly detection: DetectionConfig | undefined;
} {
  const map = section(node, { supported: ['attributes', 'attributes_list', 'schema_url', 'detection/development'] });
  const attributes = new Map<string, ResourceValue>();
  const listed = setting(map, 'attributes_list');
  const text = listed?.string();
  if (listed && text !== undefined) {
    const { values, cause } = parseKeyValues(text);
    if (cause !== undefined) listed.error(`"attributes_list" must be KEY=VALUE,KEY=VALUE: ${cause}`);
    for (const [name, value] of Object.entries(values)) {
      const warning = attributeWarning(name);
      if (warning !== undefined) listed.warn(`"attributes_list": ${warning}`);
      attributes.set(name, value);
    }
  }
  for (const item of setting(map, 'attributes')?.list() ?? []) {
    const entry = section(item, { supported: ['name', 'value', 'type'] });
    if (entry === undefined) continue;
    const name = requiredSetting(entry, 'name')?.string();
    const valueNode = entry.required('value');
    if (name === undefined || valueNode === undefined || valueNode.isNull) continue;
    const value = readValue(valueNode, setting(entry, 'type')?.oneOf(types) ?? 'string');
    const warning = attributeWarning(name);
    if (warning !== undefined) entry.get('name')?.warn(warning);
    if (name === '') item.error(`${item.subject}: "name" is empty`);
    else if (value !== undefined) attributes.set(name, value);
  }
  const detection = setting(map, 'detection/development');
  return {
    attributes: Object.fromEntries(attributes),
    schemaUrl: setting(map, 'schema_url')?.string(),
    detection: detection && readDetection(detection),
  };
}

const detectorNames = ['container', 'host', 'os', 'process', 'service'] as const satisfies readonly DetectorName[];

function readDetection(node: ConfigNode): DetectionConfig | undefined {
  const map = section(node, { supported: ['attributes', 'detectors'] });
  const attributes = setting(map, 'attributes');
  const wanted = attributes === undefined ? {} : readIncludeExclude(attributes);
  const detectors: DetectorName[] = [];
  for (const item of setting(map, 'detectors')?.list() ?? []) {
    const detector = choice(item, { supported: detectorNames });
    if (detector === undefined) continue;
    // None has options.
    if (!detector.value.isNull) section(detector.value, { supported: [] });
    const name = detector.name as DetectorName;
    if (!detectors.includes(name)) detectors.push(name);
  }
  return detectors.length === 0 ? undefined : { detectors, attributes: wanted };
}

function readValue(node: ConfigNode, type: (typeof types)[number]): ResourceValue | undefined {
  switch (type) {
    // `1.10` and what a variable holds stay the text that was written.
    case 'string':
      return node.text();
    case 'bool':
      return node.boolean();
    case 'int':
      return node.integer();
    case 'double':
      return node.number();
    case 'string_array':
      return readItems(node, (item) => item.text());
    case 'bool_array':
      return readItems(node, (item) => item.boolean());
    case 'int_array':
      return readItems(node, (item) => item.integer());
    case 'double_array':
      return readItems(node, (item) => item.number());
  }
}

function readItems<Item>(node: ConfigNode, read: (item: ConfigNode) => Item | undefined): readonly Item[] | undefined {
  const items = node.list()?.map(read);
  return items?.filter((item) => item !== undefined);
}
