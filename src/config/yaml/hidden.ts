import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node } from 'yaml';

/** What of a file may be shown to who reads its errors, such as a log that many can read. */
export interface HidingRules {
  /** Names of the file's format: shown wherever they stand, and of a line that can't be parsed nothing else is. */
  readonly words: ReadonlySet<string>;
  /**
   * Of a key, the last of the path (items of lists have none): `open` shows it and looks below, `key` shows it and hides all
   * below, `hidden` hides both.
   */
  key(path: readonly string[]): 'open' | 'key' | 'hidden';
  /** Whether a value on one line may be shown, of which no key in front is hidden. */
  shows(path: readonly string[], text: string): boolean;
}

type Range = readonly [start: number, end: number];

/** A shorter text is no secret, and messages have such of their own. */
const shortest = 4;
/** Messages cut off what is long: this much of a hidden text is enough to know it by. */
const knownBy = 8;

/** What of a file is not to be shown: where it stands, and as what it may come up in a message. */
export class HiddenText {
  readonly #rules: HidingRules;
  readonly #text: string;
  /** Undefined: the file can't be parsed, so that it isn't known what stands where. */
  readonly #ranges: Range[] | undefined;
  readonly #texts = new Set<string>();

  constructor(rules: HidingRules, text: string, document: Document.Parsed | undefined) {
    this.#rules = rules;
    this.#text = text;
    this.#ranges = document && [];
    if (document !== undefined) this.look(document);
  }

  /** Looks once more, since values have changed, for what is to be hidden too. */
  look(document: Document.Parsed): void {
    const aliased = new Set<Node>();
    this.#walk(document.contents, [], document, aliased);
  }

  /** The line that is at these offsets, up to what is hidden of it or to a comment. */
  excerpt(line: string, start: number): string {
    if (this.#ranges === undefined) {
      const [, before = '', name = ''] = /^([\s-]*)([^\s:]+):(?:\s|$)/.exec(line) ?? [];
      return this.#rules.words.has(name) ? `${before}${name}: …` : '';
    }
    const hidden = this.#ranges
      .filter(([from, to]) => from < start + line.length && to > start)
      .map(([from]) => Math.max(from - start, 0));
    const comment = /(?:^|\s)#/.exec(line)?.index;
    const end = Math.min(...hidden, comment ?? Infinity, line.length);
    const shown = line.slice(0, end);
    if (end === line.length) return shown;
    return /^[\s-]*$/.test(shown) ? '' : `${shown}…`;
  }

  /** A message without what is hidden. */
  message(message: string): string {
    let shown = message;
    for (const text of [...this.#texts].sort((one, other) => other.length - one.length)) {
      shown = without(shown, text);
    }
    return shown;
  }

  /** What the parser says, whose messages may quote whatever there is. */
  syntax(message: string): string {
    return message.replace(/:? ["'*&!|>%].*$|: .*$/s, '');
  }

  #walk(node: unknown, path: readonly string[], document: Document.Parsed, aliased: Set<Node>): void {
    if (isNode(node)) this.#hideProperties(node);
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? (key.source ?? String(key.value)) : '';
        const inner = [...path, name];
        const kind = isScalar(key) && !this.#spansLines(key) ? this.#rules.key(inner) : 'hidden';
        if (kind === 'hidden') this.#hide(key, document, aliased);
        if (kind === 'open') this.#walk(value, inner, document, aliased);
        else this.#hide(value, document, aliased);
      }
    } else if (isSeq(node)) {
      for (const item of node.items) this.#walk(item, path, document, aliased);
    } else if (isScalar(node)) {
      const text = node.source ?? String(node.value);
      if (node.value !== null && (this.#spansLines(node) || !this.#rules.shows(path, text))) {
        this.#hide(node, document, aliased);
      }
    }
  }

  /** The node with all that is in it and that it refers to. */
  #hide(node: unknown, document: Document.Parsed, aliased: Set<Node>): void {
    if (!isNode(node) || aliased.has(node)) return;
    aliased.add(node);
    this.#hideProperties(node);
    const [start, end] = node.range ?? [0, 0];
    if (end > start) this.#ranges?.push([start, end]);
    if (isAlias(node)) {
      this.#hide(node.resolve(document), document, aliased);
    } else if (isScalar(node)) {
      for (const text of [node.source, String(node.value)]) this.#add(text);
    } else if (isMap(node)) {
      for (const { key, value } of node.items) {
        this.#hide(key, document, aliased);
        this.#hide(value, document, aliased);
      }
    } else if (isSeq(node)) {
      for (const item of node.items) this.#hide(item, document, aliased);
    }
  }

  /** The tag and the anchor, which aren't in a node's range: what begins with `!` or `&` is one, whatever was meant. */
  #hideProperties({ range }: Node): void {
    const [start, end] = range ?? [0, 0];
    const before = this.#text.slice(Math.max(start - 200, 0), start);
    const pattern = end > start ? /(?<![^\s,[{])(?:[!&]\S*\s+)+$/ : /(?<![^\s,[{])(?:[!&]\S*\s*)+$/;
    const length = pattern.exec(before)?.[0].length ?? 0;
    if (length > 0) this.#ranges?.push([start - length, start]);
  }

  /** A quote that isn't closed makes what follows its value. */
  #spansLines({ range }: Node): boolean {
    const [start, end] = range ?? [0, 0];
    return this.#text.slice(start, end).includes('\n');
  }

  #add(text: string | undefined): void {
    const trimmed = text?.trim() ?? '';
    if (trimmed.length >= shortest && !this.#rules.words.has(trimmed)) {
      this.#texts.add(trimmed).add(JSON.stringify(trimmed).slice(1, -1));
    }
  }
}

/** A message with `…` for each place that has the text, or its beginning where it was cut off. */
function without(message: string, text: string): string {
  const beginning = text.slice(0, knownBy);
  let shown = '';
  let rest = message;
  for (let at = rest.indexOf(beginning); at !== -1; at = rest.indexOf(beginning)) {
    let length = beginning.length;
    while (length < text.length && rest[at + length] === text[length]) length++;
    shown += `${rest.slice(0, at)}…`;
    rest = rest.slice(at + length);
  }
  return shown + rest;
}
