// YAML with places: a document whose every node knows where it stands, and can say there what is wrong with it. May be
// imported within config by `exporter`, `without-c`, `program` and `resolve`; for types by `plan.ts`, `names` and
// `views.ts`.

import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseDocument, type Scalar } from 'yaml';
import type { Diagnostics, Position } from './diagnostic.ts';
import { goNumber } from './go-number.ts';
import { HiddenText, type HidingRules } from './hidden.ts';
import { Lines } from './lines.ts';
import { suggest } from './nearest.ts';

/** A YAML file that has been read: what its nodes need to say where they are. */
class Source {
  readonly file: string;
  readonly diagnostics: Diagnostics;
  readonly document: Document.Parsed;
  readonly #text: string;
  readonly #lines: Lines;
  readonly #hidden: HiddenText | undefined;

  constructor(
    file: string,
    text: string,
    lines: Lines,
    document: Document.Parsed,
    diagnostics: Diagnostics,
    hidden: HiddenText | undefined,
  ) {
    this.file = file;
    this.document = document;
    this.diagnostics = diagnostics;
    this.#text = text;
    this.#lines = lines;
    this.#hidden = hidden;
  }

  position(offset: number): Position {
    return positionIn(this.file, this.#text, this.#lines, offset, this.#hidden);
  }
}

/** Keys are what is written: `16` and `0x10` are two. */
function isSameKey(one: unknown, other: unknown): boolean {
  const text = (key: unknown) => (isScalar(key) ? (key.source ?? String(key.value)) : undefined);
  return one === other || (text(one) !== undefined && text(one) === text(other));
}

function positionIn(file: string, text: string, lines: Lines, offset: number, hidden?: HiddenText): Position {
  const at = Math.min(offset, text.length);
  const { line, start } = lines.of(at);
  const end = text.indexOf('\n', start);
  const whole = text.slice(start, end === -1 ? undefined : end).replace(/\r$/, '');
  const excerpt = hidden?.excerpt(whole, start) ?? whole;
  return { file, line, column: at - start + 1, excerpt };
}

/** Whether nothing but the marks of documents and comments is there: a last `---` begins a document with nothing in it. */
function isNothing(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(?:(?:---|\.\.\.)\s*)?(?:#.*)?$/.test(line));
}

interface ParseOptions {
  /** May change the document's scalars (value and source) before they are looked at; positions stay. */
  readonly prepare?: (document: Document.Parsed, position: (offset: number) => Position) => void;
  /** What no error of the file may show, neither in its message nor in the source line; unset: all is shown. */
  readonly hiding?: HidingRules;
}

/**
 * Parses one YAML document. Syntax errors, duplicate keys and warnings are reported with their positions;
 * returns undefined where the text can't be made sense of. Never throws.
 */
export function parseYaml(
  text: string,
  file: string,
  diagnostics: Diagnostics,
  options: ParseOptions = {},
): ConfigNode | undefined {
  // A byte order mark would count as a column.
  if (text.startsWith('\ufeff')) return parseYaml(text.slice(1), file, diagnostics, options);
  const { prepare, hiding } = options;
  const lines = new Lines(text);
  let document: Document.Parsed;
  let hidden: HiddenText | undefined;
  let isParsed: boolean;
  try {
    document = parseDocument(text, {
      prettyErrors: false,
      merge: true,
      logLevel: 'error',
      // There the last of two counts, which is seen where the map is looked at.
      uniqueKeys: diagnostics.readsAsExporter ? false : isSameKey,
    });
    isParsed = document.errors.every(({ code }) => code === 'DUPLICATE_KEY' || code === 'MULTIPLE_DOCS');
    hidden = hiding && new HiddenText(hiding, text, isParsed ? document : undefined);
  } catch (error) {
    // Nesting so deep that the parser's recursion ends.
    const position = positionIn(file, hiding === undefined ? text : '', lines, 0);
    diagnostics.error(position, `not readable as YAML: ${(error as Error).message}`);
    return undefined;
  }
  if (hidden !== undefined) diagnostics.clean(file, (message) => hidden.message(message));
  const source = new Source(file, text, lines, document, diagnostics, hidden);
  const shown = (message: string) => hidden?.syntax(message) ?? message;
  for (const { pos, message } of document.warnings) diagnostics.warn(source.position(pos[0]), shown(message));
  const errors = document.errors.filter(({ code, pos }) => code !== 'MULTIPLE_DOCS' || !isNothing(text.slice(pos[0])));
  // What follows the first syntax errors is mostly their echo.
  for (const { code, pos, message } of errors.slice(0, 5)) {
    const position = source.position(pos[0]);
    if (code !== 'MULTIPLE_DOCS') diagnostics.error(position, shown(message));
    else if (diagnostics.readsAsExporter) diagnostics.warn(position, 'a second YAML document, which is passed over');
    else diagnostics.error(position, 'a second YAML document begins here; a file has one');
  }
  if (!isParsed) return undefined;
  if (prepare !== undefined) {
    prepare(document, (offset) => source.position(offset));
    hidden?.look(document);
  }
  return new ConfigNode(source, document.contents, document.contents?.range?.[0] ?? 0, 'the file');
}

/**
 * One YAML node and how messages call it. The accessors report what doesn't fit at the node's position
 * and return undefined; they never throw.
 */
export class ConfigNode {
  /** `"labels"`, `item 2 of "labels"`. */
  readonly subject: string;
  /** Aliases resolved; null where there is nothing. */
  readonly yaml: Node | null;
  readonly #source: Source;
  readonly #offset: number;

  constructor(source: Source, node: Node | null, offset: number, subject: string) {
    this.#source = source;
    this.#offset = offset;
    this.subject = subject;
    let yaml = node;
    if (isAlias(yaml)) {
      yaml = yaml.resolve(source.document) ?? null;
      if (yaml === null) this.error(`${subject} refers to an anchor that isn't there`);
    }
    this.yaml = yaml;
  }

  get position(): Position {
    return this.#source.position(this.#offset);
  }

  /** Whether the file is read as ebpf_exporter reads it. */
  get readsAsExporter(): boolean {
    return this.#source.diagnostics.readsAsExporter;
  }

  error(message: string): void {
    this.#source.diagnostics.error(this.position, message);
  }

  warn(message: string): void {
    this.#source.diagnostics.warn(this.position, message);
  }

  /** Nothing, `~` or `null`. */
  get isNull(): boolean {
    return this.yaml === null || (isScalar(this.yaml) && this.yaml.value === null);
  }

  get isList(): boolean {
    return isSeq(this.yaml);
  }

  get isMap(): boolean {
    return isMap(this.yaml);
  }

  get isBoolean(): boolean {
    return isScalar(this.yaml) && typeof this.yaml.value === 'boolean';
  }

  /**
   * A map; nothing is an empty one. Keys that aren't among the known ones are errors, those in `unsupported` with
   * words of their own; `known` undefined: any key.
   */
  map(known?: readonly string[], unsupported: readonly string[] = []): ConfigMap | undefined {
    if (this.isNull) return new ConfigMap(this, []);
    if (!isMap(this.yaml)) return this.#mismatch('a map');
    const entries: ConfigEntry[] = [];
    this.#collect(this.yaml, entries, new Set());
    if (known !== undefined) {
      for (const { name, key } of entries) {
        if (unsupported.includes(name)) key.error(`"${name}" is not supported by this version`);
        else if (!known.includes(name)) {
          this.#source.diagnostics.unknownKey(key.position, name, suggest(name, known));
        }
      }
    }
    return new ConfigMap(this, entries);
  }

  /** A list; nothing is an empty one. */
  list(): readonly ConfigNode[] | undefined {
    if (this.isNull) return [];
    if (!isSeq(this.yaml)) return this.#mismatch('a list');
    return this.yaml.items.map((item, index) => {
      const node = item as Node | null;
      return new ConfigNode(
        this.#source,
        node,
        node?.range?.[0] ?? this.#offset,
        `item ${index + 1} of ${this.subject}`,
      );
    });
  }

  /** A YAML string; `123` and `true` are none. */
  string(): string | undefined {
    const value = this.#scalar('a string')?.value;
    if (value === undefined) return undefined;
    return typeof value === 'string' ? value : this.#mismatch('a string');
  }

  /** The scalar's text as it is written, whatever YAML would make of it: `on`, `0x10`, `1e3` stay so. Quotes and folding are undone. */
  text(): string | undefined {
    const scalar = this.#scalar('a text');
    return scalar === undefined ? undefined : (scalar.source ?? String(scalar.value));
  }

  integer(range: { min?: number; max?: number } = {}): number | undefined {
    const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range;
    const wanted = `an integer${rangeText(range)}`;
    const scalar = this.#scalar(wanted);
    if (scalar === undefined) return undefined;
    const read = this.#number(scalar);
    // What is behind the point is dropped there.
    const value = this.readsAsExporter && read !== undefined ? Math.trunc(read) : read;
    if (value === undefined || !Number.isInteger(value) || value < min || value > max) return this.#mismatch(wanted);
    this.#tellReading(scalar, value);
    return value;
  }

  /** An integer of any size, read from its text (decimal, 0x, 0o), so that 64 bits stay exact. */
  bigint(): bigint | undefined {
    const scalar = this.#scalar('an integer');
    if (scalar === undefined) return undefined;
    const text = scalar.source ?? String(scalar.value);
    const parts = /^([-+]?)(0x[\da-fA-F]+|0o[0-7]+|\d+)$/.exec(text);
    if (typeof scalar.value !== 'number' || parts === null) return this.#mismatch('an integer');
    return parts[1] === '-' ? -BigInt(parts[2]!) : BigInt(parts[2]!);
  }

  /** A finite number. */
  number(range: { min?: number; max?: number } = {}): number | undefined {
    const { min = -Infinity, max = Infinity } = range;
    const wanted = `a number${rangeText(range)}`;
    const scalar = this.#scalar(wanted);
    if (scalar === undefined) return undefined;
    const value = this.#number(scalar);
    if (value === undefined || !Number.isFinite(value) || value < min || value > max) return this.#mismatch(wanted);
    this.#tellReading(scalar, value);
    return value;
  }

  boolean(): boolean | undefined {
    const value = this.#scalar('true or false')?.value;
    if (value === undefined) return undefined;
    return typeof value === 'boolean' ? value : this.#mismatch('true or false');
  }

  /** A boolean as Go's YAML reads it where one belongs: `yes`, `no`, `on` and `off` too, as YAML 1.1 has them. */
  yesOrNo(): boolean | undefined {
    const scalar = this.#scalar('true or false');
    const word = scalar?.type === 'PLAIN' ? String(scalar.source).toLowerCase() : undefined;
    if (word === 'yes' || word === 'on' || (word === 'y' && this.readsAsExporter)) return true;
    if (word === 'no' || word === 'off' || (word === 'n' && this.readsAsExporter)) return false;
    return scalar && this.boolean();
  }

  /** One of these words. */
  oneOf<Word extends string>(words: readonly Word[]): Word | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) this.error(`${this.subject}: unknown value ${quote(text)}${suggest(text, words)}`);
    return word;
  }

  #number(scalar: Scalar): number | undefined {
    if (this.readsAsExporter && scalar.type === 'PLAIN') return goNumber(String(scalar.source));
    return typeof scalar.value === 'number' ? scalar.value : undefined;
  }

  /** Says what a number is that another reader of YAML would read otherwise. */
  #tellReading({ source, value }: Scalar, read: number): void {
    if (this.readsAsExporter && read !== value) this.warn(`${this.subject}: ${source} is read as ${read}`);
    else if (!this.readsAsExporter && /^[-+]?0\d/.test(source ?? '')) {
      this.warn(`${this.subject}: ${source} is read as ${read}, by YAML 1.1 in octal: leave out the zero in front`);
    }
  }

  #scalar(wanted: string): Scalar | undefined {
    if (this.isNull || !isScalar(this.yaml)) return this.#mismatch(wanted);
    return this.yaml;
  }

  #mismatch(wanted: string): undefined {
    this.error(`${this.subject} must be ${wanted}, ${this.#found()}`);
    return undefined;
  }

  #found(): string {
    if (this.isNull) return 'and has no value';
    if (isMap(this.yaml)) return 'not a map';
    if (isSeq(this.yaml)) return 'not a list';
    return isScalar(this.yaml) ? `not ${quote(this.yaml.source ?? String(this.yaml.value))}` : 'not this';
  }

  /** The entries of a map with those of its merge keys (`<<`) behind; an earlier one wins, as YAML 1.1 has it. */
  #collect(yaml: Node, entries: ConfigEntry[], visited: Set<Node>): void {
    if (!isMap(yaml) || visited.has(yaml)) return;
    visited.add(yaml);
    const merged: Node[] = [];
    const own = new Map<string, number>();
    for (const { key, value } of yaml.items as { key: unknown; value: unknown }[]) {
      const keyNode = key as Node | null;
      const offset = keyNode?.range?.[0] ?? this.#offset;
      if (!isScalar(keyNode) || keyNode.value === null) {
        new ConfigNode(this.#source, null, offset, 'a key').error(`a key of ${this.subject} must be a text`);
        continue;
      }
      const name = keyNode.source ?? String(keyNode.value);
      if (name === '<<' && keyNode.type === 'PLAIN') {
        merged.push(...this.#mergeSources(value as Node | null, offset));
        continue;
      }
      const before = own.get(name);
      if (before === undefined && entries.some((entry) => entry.name === name)) continue;
      const subject = `"${name}"`;
      const node = value as Node | null;
      const entry = {
        name,
        key: new ConfigNode(this.#source, keyNode, offset, subject),
        value: new ConfigNode(this.#source, node, node?.range?.[0] ?? offset, subject),
      };
      if (before === undefined) own.set(name, entries.push(entry) - 1);
      else this.#again(entries, before, entry);
    }
    for (const node of merged) this.#collect(node, entries, visited);
  }

  /** A key that the map has already, in `entries[before]`: elsewhere than for ebpf_exporter the parser has said so. */
  #again(entries: ConfigEntry[], before: number, entry: ConfigEntry): void {
    if (!this.readsAsExporter) return;
    const { name, key, value } = entry;
    if (value.isMap && entries[before]!.value.isMap) {
      // Which would have to become one there.
      key.error(`"${name}" is there already: write the two maps as one`);
      return;
    }
    key.warn(`"${name}" is there already, and the last one counts`);
    entries[before] = entry;
  }

  #mergeSources(value: Node | null, offset: number): Node[] {
    const node = new ConfigNode(this.#source, value, value?.range?.[0] ?? offset, '"<<"');
    const nodes = isSeq(node.yaml) ? (node.list() ?? []) : [node];
    return nodes.flatMap((one) => {
      if (isMap(one.yaml)) return [one.yaml];
      if (!one.isNull) one.error('"<<" must name a map or a list of maps');
      return [];
    });
  }
}

export interface ConfigEntry {
  /** The key's text as written. */
  readonly name: string;
  readonly key: ConfigNode;
  readonly value: ConfigNode;
}

export class ConfigMap {
  /** The node that the map is. */
  readonly node: ConfigNode;
  /** In the order of the file. */
  readonly entries: readonly ConfigEntry[];

  constructor(node: ConfigNode, entries: readonly ConfigEntry[]) {
    this.node = node;
    this.entries = entries;
  }

  has(key: string): boolean {
    return this.entries.some(({ name }) => name === key);
  }

  /**
   * The value; undefined where the key isn't there. A key with nothing behind it is there, as a node that isNull, but to
   * ebpf_exporter it isn't.
   */
  get(key: string): ConfigNode | undefined {
    const value = this.entries.find(({ name }) => name === key)?.value;
    return value?.isNull && this.node.readsAsExporter ? undefined : value;
  }

  /** The value; a missing key is an error at the map. */
  required(key: string): ConfigNode | undefined {
    const value = this.get(key);
    if (value === undefined) this.node.error(`${this.node.subject} has no "${key}"`);
    return value;
  }
}

function rangeText({ min, max }: { min?: number; max?: number }): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
