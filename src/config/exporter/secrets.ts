import { type Document, isAlias, isNode, isScalar, type Node, visit } from 'yaml';
import type { Diagnostic, Position } from '../diagnostic.ts';
import type { ConfigNode } from '../document.ts';

const headersKey = /^headers(?:_list)?$/;

/**
 * The lines (from 1) of a file that may hold credentials: those of `headers` and `headers_list`, and of an
 * endpoint with a user or a query in it. Errors on them are shown without the line's text.
 */
export function secretLines(document: Document.Parsed, position: (offset: number) => Position): ReadonlySet<number> {
  const lines = new Set<number>();
  const add = (node: Node): void => {
    const [start, end] = node.range ?? [0, 0];
    for (let { line } = position(start), last = position(end).line; line <= last; line++) lines.add(line);
  };
  visit(document, {
    Pair(_, { key, value }) {
      const name = isScalar(key) ? String(key.value) : '';
      if (!isNode(value)) return;
      if (headersKey.test(name)) withAliases(value, document, add);
      else if (name === 'endpoint' && isScalar(value) && /[@?]/.test(String(value.value))) add(value);
    },
  });
  return lines;
}

function withAliases(node: Node, document: Document.Parsed, add: (node: Node) => void): void {
  add(node);
  visit(node, {
    Alias(_, alias) {
      const target = alias.resolve(document);
      if (target !== undefined && !isAlias(target)) add(target);
    },
  });
}

/** The same diagnostic or place, of whose source line only the first key is shown. */
export function withoutLine<Place extends Position>(place: Place): Place {
  const { excerpt } = place;
  const colon = excerpt.indexOf(':');
  const shown = colon === -1 ? /^\s*/.exec(excerpt)![0] : `${excerpt.slice(0, colon + 1)} `;
  return { ...place, excerpt: shown.trim() === '' ? '' : `${shown}…` };
}

/**
 * Syntax errors of a file that speaks of headers: which text is their value isn't known, so neither the line
 * nor what the parser quotes is shown.
 */
export function withoutText(diagnostic: Diagnostic): Diagnostic {
  return { ...withoutLine(diagnostic), message: diagnostic.message.replace(/:? ".*$/s, '') };
}

/** A string that no message may quote, as those of the node's own accessors would. */
export function secretText(node: ConfigNode): string | undefined {
  const value: unknown = node.yaml !== null && 'value' in node.yaml ? node.yaml.value : undefined;
  if (typeof value === 'string') return value;
  node.error(`${node.subject} must be a string: put it into quotes`);
  return undefined;
}
