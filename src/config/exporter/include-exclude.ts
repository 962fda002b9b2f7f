import type { ConfigNode } from '../yaml/document.ts';
import type { IncludeExclude } from './configuration.ts';
import { section, setting, words } from './section.ts';

/** Lists of names with `*` and `?`: `{included, excluded}`. */
export function readIncludeExclude(node: ConfigNode): IncludeExclude {
  const map = section(node, { supported: ['included', 'excluded'] });
  const included = words(setting(map, 'included'));
  const excluded = words(setting(map, 'excluded'));
  return { ...(included && { included }), ...(excluded && { excluded }) };
}
