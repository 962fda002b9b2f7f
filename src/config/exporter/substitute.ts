import { type Document, isScalar, Scalar, visit } from 'yaml';
import type { Diagnostics, Position } from '../yaml/diagnostic.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A reference that is none, and where in the text it starts (UTF-16 code units). */
interface InvalidReference {
  readonly offset: number;
  /** Its text up to the default value, which may be a secret. */
  readonly shown: string;
}

const reference = /\$\{([^}]*)\}/g;
const validReference = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^\n]*))?$/;

/**
 * Replaces `${NAME}`, `${env:NAME}` and `${NAME:-default}` by the environment's values, `$$` by `$`.
 * A variable that is unset or empty gives the default, or nothing. Values aren't looked at again.
 * Source: the OpenTelemetry specification, configuration/data-model.md, "Environment variable substitution".
 */
export function substitute(text: string, env: Environment): { text: string; invalid: readonly InvalidReference[] } {
  const invalid: InvalidReference[] = [];
  let offset = 0;
  // The specification first finds the escapes and then looks for references between them.
  const chunks = text.split('$$').map((chunk) => {
    const start = offset;
    offset += chunk.length + 2;
    return chunk.replaceAll(reference, (whole: string, inner: string, index: number) => {
      const parts = validReference.exec(inner);
      if (parts === null) {
        invalid.push({ offset: start + index, shown: shownReference(inner) });
        return whole;
      }
      const name = parts[1]!;
      // process.env has a constructor too.
      return (Object.hasOwn(env, name) && env[name]) || (parts[2] ?? '');
    });
  });
  return { text: chunks.join('$'), invalid };
}

function shownReference(inner: string): string {
  const name = /^(?:env:)?[^:\n]*/.exec(inner)![0];
  return `\${${name}${name === inner ? '' : '…'}}`;
}

/**
 * What a plain scalar means in YAML 1.2's core schema (section 10.3.2): null, a boolean, a number, else the text itself.
 */
export function plainValue(text: string): string | number | boolean | null {
  const trimmed = text.trim();
  if (/^(?:~|null|Null|NULL|)$/.test(trimmed)) return null;
  if (/^(?:true|True|TRUE)$/.test(trimmed)) return true;
  if (/^(?:false|False|FALSE)$/.test(trimmed)) return false;
  if (/^0o[0-7]+$/.test(trimmed) || /^0x[\da-fA-F]+$/.test(trimmed)) return Number(trimmed);
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(trimmed)) return Number(trimmed);
  if (/^\+?\.(?:inf|Inf|INF)$/.test(trimmed)) return Infinity;
  if (/^-\.(?:inf|Inf|INF)$/.test(trimmed)) return -Infinity;
  return /^\.(?:nan|NaN|NAN)$/.test(trimmed) ? Number.NaN : text;
}

/**
 * Substitutes in every scalar value of the document, never in keys. A plain scalar gets its type afterwards,
 * a quoted one stays a string, and whatever a variable holds, it becomes one scalar. Invalid references are
 * reported where they stand.
 */
export function substituteScalars(
  document: Document.Parsed,
  text: string,
  env: Environment,
  position: (offset: number) => Position,
  diagnostics: Diagnostics,
): void {
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || !isScalar(node) || typeof node.value !== 'string' || !node.value.includes('$')) return;
      const before = node.value;
      const { text: after, invalid } = substitute(before, env);
      const [start, end] = node.range ?? [0, 0];
      for (const { offset, shown } of invalid) {
        // Quotes, escapes and folding move what is behind them; the reference itself is looked for.
        const written = before.slice(offset, before.indexOf('}', offset) + 1);
        const nth = before.slice(0, offset).split(written).length - 1;
        const place = nthIndexOf(text.slice(start, end), written, nth);
        diagnostics.error(
          position(start + Math.max(place, 0)),
          `${JSON.stringify(shown)} is no reference to a variable: write \${NAME}, \${env:NAME} or \${NAME:-default}, or $$ for a plain $`,
        );
      }
      if (after === before) return;
      node.value = node.type === Scalar.PLAIN && node.tag === undefined ? plainValue(after) : after;
      node.source = after;
    },
  });
}

function nthIndexOf(text: string, wanted: string, nth: number): number {
  let index = text.indexOf(wanted);
  for (let i = 0; i < nth && index !== -1; i++) index = text.indexOf(wanted, index + wanted.length);
  return index;
}
