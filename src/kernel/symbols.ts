import { readFileSync } from 'node:fs';
import { inBackground } from '../background.ts';
import { MeterError } from '../errors.ts';
import { readProcText } from './proc-text.ts';
import { SymbolTable } from './symbol-table.ts';

/**
 * After a whole period without a question the table is forgotten: it is 10 MB, and asked for when keys are new, most of
 * which come together in the first readings. Reading it again costs less than keeping it.
 */
const IDLE_MS = 5000;
/** An address that isn't found may belong to a new module, so see whether the modules changed, but not more often than this. */
const MODULES_CHECK_MS = 5000;

const noSymbols = () => new SymbolTable(Buffer.allocUnsafeSlow(0));

interface SymbolsOptions {
  /** Put in front of /proc. */
  readonly root: string;
  /** Milliseconds. */
  readonly now: () => number;
  /** Called once, when the kernel doesn't tell its symbols. */
  readonly warn: (warning: MeterError) => void;
  /** Called when the table has been forgotten. */
  readonly forgotten: () => void;
}

interface Symbols {
  /** The symbol that begins at this address. */
  at(address: bigint): string | undefined;
  /** The function that this address is in. */
  around(address: bigint): string | undefined;
}

/**
 * The kernel's symbols by address, from /proc/kallsyms: read when first asked for (some 50 ms for 120,000 symbols) and
 * forgotten five to ten seconds after the last question.
 */
export function createSymbols(options: SymbolsOptions): Symbols {
  const { root, now } = options;
  let table: SymbolTable | undefined;
  let modules = '';
  let modulesCheckedAt = 0;
  let asked = false;
  let warned = false;

  return {
    at(address) {
      const name = current().find(address);
      return name !== undefined || !modulesChanged() ? name : reload().find(address);
    },
    around(address) {
      // Code of a module that isn't known lies behind code that is, so every question looks for new ones first.
      const known = current();
      return (modulesChanged() ? reload() : known).findFunction(address);
    },
  };

  function current(): SymbolTable {
    asked = true;
    table ??= load();
    return table;
  }

  function reload(): SymbolTable {
    table?.release();
    table = readTable();
    return table;
  }

  function load(): SymbolTable {
    modules = readModules();
    modulesCheckedAt = now();
    setTimeout(() => inBackground('kernel symbols', forgetWhenIdle), IDLE_MS).unref();
    return readTable();
  }

  function forgetWhenIdle(): void {
    if (asked) setTimeout(() => inBackground('kernel symbols', forgetWhenIdle), IDLE_MS).unref();
    else forget();
    asked = false;
  }

  function forget(): void {
    table?.release();
    table = undefined;
    options.forgotten();
  }

  function modulesChanged(): boolean {
    if (now() - modulesCheckedAt < MODULES_CHECK_MS) return false;
    modulesCheckedAt = now();
    const before = modules;
    modules = readModules();
    return modules !== before;
  }

  /** '' on a kernel without modules. */
  function readModules(): string {
    try {
      return readFileSync(`${root}/proc/modules`, 'latin1');
    } catch {
      return '';
    }
  }

  function readTable(): SymbolTable {
    const path = `${root}/proc/kallsyms`;
    try {
      const read = new SymbolTable(readProcText(path));
      if (read.hidden) {
        warnOnce(`${path}: every address is zero, so kernel symbols stay unknown`, {
          remedy: 'Grant CAP_SYSLOG, and set the sysctl kernel.kptr_restrict to 0 or 1.',
        });
      }
      if (!read.hidden) return read;
      read.release();
      return noSymbols();
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      warnOnce(`${path}: ${cause}; kernel symbols stay unknown`, { cause: error });
      return noSymbols();
    }
  }

  function warnOnce(message: string, more: { cause?: unknown; remedy?: string }): void {
    if (!warned) options.warn(new MeterError('environment', message, more));
    warned = true;
  }
}
