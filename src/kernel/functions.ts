import { giveBack, readOrEmpty } from './files.ts';
import { readProcText } from './proc-text.ts';

interface FunctionNamesOptions {
  /** Put in front of /proc: the host's in a container, a folder of files in tests; '' unless set. */
  readonly root?: string;
}

/** The kernel's functions and those of its modules, by name. Megabytes are kept from the first question until it is disposed. */
export interface FunctionNames extends Disposable {
  /** Undefined where the kernel doesn't tell its symbols. */
  has(name: string): boolean | undefined;
  /**
   * The whole clones that the compiler made of a function: `NAME.isra.0` (arguments left out), `NAME.constprop.0` (of
   * constant value), or both. Not its parts: `NAME.part.0`, `NAME.cold`. Sorted; empty where there are none.
   */
  variants(name: string): readonly string[];
}

/** Of `ffffffff81000000 t name\t[module]`: what is code, weak or not, seen by modules or not (s_show in kernel/kallsyms.c). */
const codeTypes = Buffer.from('tTwW');
const cloneSuffix = /^(?:\.(?:isra|constprop)\.[0-9]+)+$/;
const newline = 0x0a;

/** From /proc/kallsyms, whose names everyone may read; read when first asked (some 50 ms). Never throws. */
export function createFunctionNames({ root = '' }: FunctionNamesOptions = {}): FunctionNames {
  let symbols: Buffer | undefined;
  const known = new Map<string, readonly string[]>();
  return {
    has(name) {
      return read().length === 0 ? undefined : endingsOf(name).includes('');
    },
    variants(name) {
      const clones = new Set(endingsOf(name).filter((ending) => cloneSuffix.test(ending)));
      return [...clones].sort().map((ending) => name + ending);
    },
    [Symbol.dispose]() {
      if (symbols !== undefined) giveBack(symbols);
      symbols = undefined;
      known.clear();
    },
  };

  /** Searching ten megabytes takes a millisecond or two, so each name is looked for once. */
  function endingsOf(name: string): readonly string[] {
    const found = known.get(name) ?? endings(read(), name);
    known.set(name, found);
    return found;
  }

  function read(): Buffer {
    symbols ??= readOrEmpty(`${root}/proc/kallsyms`, readProcText);
    return symbols;
  }
}

/** What stands behind the name, of each function that begins with it. */
function endings(text: Buffer, name: string): string[] {
  const found: string[] = [];
  const wanted = ` ${name}`;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    if (!codeTypes.includes(text[at - 1]!)) continue;
    const from = at + wanted.length;
    const end = text.indexOf(newline, from);
    found.push(text.toString('latin1', from, end < 0 ? text.length : end).replace(/\t.*$/, ''));
  }
  return found;
}
