import { MeterError } from '../../errors.ts';

/** Where in a file something is; line and column count from 1, the column in UTF-16 code units. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The whole source line, without its end. */
  readonly excerpt: string;
}

export interface Diagnostic extends Position {
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

const widestExcerpt = 160;

/**
 * `file:line:column: cause`, then the source line and a `^` under the column.
 * Tabs stay tabs in the line of the `^`, so that it stands right whatever the terminal's tab width is.
 */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, message, severity } = diagnostic;
  const head = `${file}:${line}:${column}: ${severity === 'warning' ? 'warning: ' : ''}${message}`;
  if (diagnostic.excerpt.trim() === '') return head;
  const from = column > widestExcerpt - 20 ? column - 80 : 0;
  const excerpt = diagnostic.excerpt.slice(from, from + widestExcerpt);
  const indent = excerpt.slice(0, column - 1 - from).replaceAll(/[^\t]/g, ' ');
  return `${head}\n    ${excerpt}\n    ${indent}^`;
}

export interface DiagnosticsOptions {
  /** Whether files are read as ebpf_exporter reads them, so that what it takes and we don't is a warning; unset: an error. */
  readonly readsAsExporter?: boolean;
}

/** Errors and warnings of all files, so that a user sees them at once. */
export class Diagnostics {
  readonly #list: Diagnostic[] = [];
  /** Whether files are read as ebpf_exporter reads them. */
  readonly readsAsExporter: boolean;
  /** By file. */
  readonly #cleaned = new Map<string, (message: string) => string>();

  constructor({ readsAsExporter = false }: DiagnosticsOptions = {}) {
    this.readsAsExporter = readsAsExporter;
  }

  /** Has every message about a file pass through `clean`, which takes out what may not be shown. */
  clean(file: string, clean: (message: string) => string): void {
    this.#cleaned.set(file, clean);
  }

  error(position: Position, message: string): void {
    this.#add(position, message, 'error');
  }

  warn(position: Position, message: string): void {
    this.#add(position, message, 'warning');
  }

  /** `hint`: what was probably meant, as the end of a message. */
  unknownKey(position: Position, name: string, hint: string): void {
    if (this.readsAsExporter) this.warn(position, `unknown key "${name}" is passed over${hint}`);
    else this.error(position, `unknown key "${name}"${hint}`);
  }

  #add({ file, line, column, excerpt }: Position, said: string, severity: Diagnostic['severity']): void {
    const message = this.#cleaned.get(file)?.(said) ?? said;
    // An aliased node is looked at wherever it is used; its error is told once.
    const known = this.#list.some(
      (other) => other.file === file && other.line === line && other.column === column && other.message === message,
    );
    if (!known) this.#list.push({ file, line, column, excerpt, message, severity });
  }

  /** Sorted by file and position. */
  get errors(): readonly Diagnostic[] {
    return this.#sorted('error');
  }

  /** Sorted by file and position. */
  get warnings(): readonly Diagnostic[] {
    return this.#sorted('warning');
  }

  /** How many errors there are so far. */
  get errorCount(): number {
    return this.#list.filter(({ severity }) => severity === 'error').length;
  }

  get hasErrors(): boolean {
    return this.#list.some(({ severity }) => severity === 'error');
  }

  #sorted(wanted: Diagnostic['severity']): readonly Diagnostic[] {
    return this.#list
      .filter(({ severity }) => severity === wanted)
      .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column);
  }
}

/** All errors of the configuration; a command line prints `diagnostics` one by one with formatDiagnostic. */
export class ConfigError extends MeterError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    const [first] = diagnostics;
    const place = first === undefined ? '' : `${first.file}:${first.line}:${first.column}: ${first.message}`;
    super('config', diagnostics.length === 1 ? place : `${diagnostics.length} errors, the first: ${place}`, {
      detail: diagnostics.map(formatDiagnostic).join('\n'),
    });
    this.name = 'ConfigError';
    this.diagnostics = diagnostics;
  }
}
