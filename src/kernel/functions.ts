import { readProcText } from './proc-text.ts';

export interface FunctionNamesOptions {
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
const codeTypes = 'tTwW';
const cloneSuffix = /^(?:\.(?:isra|constprop)\.[0-9]+)+$/;
const newline = 0x0a;

/** From /proc/kallsyms, whose names everyone may read; read when first asked (some 50 ms). Never throws. */
export function createFunctionNames({ root = '' }: FunctionNamesOptions = {}): FunctionNames {
  let symbols: Buffer | undefined;
  return {
    has(name) {
      const text = read();
      if (text.length === 0) return undefined;
      return [...lines(text, name)].some((rest) => rest === '');
    },
    variants(name) {
      const found = new Set([...lines(read(), name)].filter((rest) => cloneSuffix.test(rest)));
      return [...found].sort().map((rest) => name + rest);
    },
    [Symbol.dispose]() {
      // At once, where the garbage collector might not come by for hours.
      (symbols?.buffer as ArrayBuffer | undefined)?.transfer(0);
      symbols = undefined;
    },
  };

  function read(): Buffer {
    symbols ??= readOrEmpty(`${root}/proc/kallsyms`);
    return symbols;
  }
}

/** What stands behind the name, of each function that begins with it. */
function* lines(text: Buffer, name: string): Iterable<string> {
  for (const type of codeTypes) {
    const wanted = ` ${type} ${name}`;
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
      const from = at + wanted.length;
      const end = text.indexOf(newline, from);
      yield text.toString('latin1', from, end < 0 ? text.length : end).replace(/\t.*$/, '');
    }
  }
}

function readOrEmpty(path: string): Buffer {
  try {
    return readProcText(path);
  } catch {
    return Buffer.alloc(0);
  }
}
