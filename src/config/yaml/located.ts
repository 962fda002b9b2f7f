import type { Position } from './diagnostic.ts';
import type { ConfigNode } from './document.ts';

/** A value and where the file says so. */
export interface Located<T> {
  readonly value: T;
  readonly at: Position;
}

/** What `read` makes of the node; undefined where there is no node or `read` has reported it. */
export function located<T>(
  node: ConfigNode | undefined,
  read: (node: ConfigNode) => T | undefined,
): Located<T> | undefined {
  const value = node && read(node);
  return node === undefined || value === undefined ? undefined : { value, at: node.position };
}

/** The node's text as written; an empty one is an error. */
export function locatedText(node: ConfigNode | undefined): Located<string> | undefined {
  const text = located(node, (one) => one.text());
  if (text?.value !== '') return text;
  node!.error(`${node!.subject} is empty`);
  return undefined;
}

export function locatedWord<Word extends string>(
  node: ConfigNode | undefined,
  words: readonly Word[],
): Located<Word> | undefined {
  return located(node, (one) => one.oneOf(words));
}

/** Names in a list, each once; one that is empty or there twice is reported and left out. `what` is what messages call one. */
export function locatedNames(node: ConfigNode | undefined, what: string): Located<string>[] {
  const names: Located<string>[] = [];
  for (const item of node?.list() ?? []) {
    const name = locatedText(item);
    if (name === undefined) continue;
    if (!names.some(({ value }) => value === name.value)) names.push(name);
    else if (item.readsAsExporter) item.warn(`${what} "${name.value}" is there twice`);
    else item.error(`${what} "${name.value}" is there twice`);
  }
  return names;
}
