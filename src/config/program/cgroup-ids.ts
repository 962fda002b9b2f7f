import { checkDecoder } from '../../decoders/registry.ts';
import type { ConfigNode } from '../yaml/document.ts';
import { type Located, locatedText, locatedWord } from '../yaml/located.ts';

/** `cgroup_id_map` as it is written: a BPF map that holds the ids of the cgroups whose paths match. */
export interface CgroupIdsEntry {
  readonly map: Located<string>;
  readonly type: Located<CgroupIdsType> | undefined;
  readonly regexps: readonly string[];
}

/** `hash`: the id is the key; `cgrp_storage`: the map's storage of the cgroup itself is set. */
const cgroupIdsTypes = ['hash', 'cgrp_storage'] as const;
type CgroupIdsType = (typeof cgroupIdsTypes)[number];

/** Undefined where there is none, or nothing of it can be used, which is reported. */
export function parseCgroupIds(node: ConfigNode | undefined): CgroupIdsEntry | undefined {
  if (node === undefined || node.isNull) return undefined;
  const entry = node.map(['name', 'type', 'regexps']);
  const map = locatedText(entry?.required('name'));
  const type = locatedWord(entry?.get('type'), cgroupIdsTypes);
  const list = entry?.required('regexps');
  const regexps = (list?.list() ?? []).flatMap((item) => {
    const text = item.text();
    const error = text === undefined ? undefined : checkDecoder({ name: 'regexp', regexps: [text] });
    if (error !== undefined) item.error(error.message.replace(/^decoder regexp: /, ''));
    return text ?? [];
  });
  if (list !== undefined && (list.isNull || (list.isList && regexps.length === 0))) {
    list.error(`${list.subject} has no regexps, so that no cgroup would be in the map`);
  }
  return map && { map, type, regexps };
}
