import { giveBack } from './files.ts';
import { readProcText } from './proc-text.ts';

const newline = 0x0a;
const tab = 0x09;
const space = 0x20;
const addressDigits = 16;

interface SymbolAddresses {
  /** By name; of several symbols with one name the first. */
  readonly found: ReadonlyMap<string, bigint>;
  /** Whether the kernel tells no addresses at all: to a reader without CAP_SYSLOG, or with kernel.kptr_restrict at 2. */
  readonly hidden: boolean;
}

/**
 * Addresses of the kernel's symbols of these names, from /proc/kallsyms, whose megabytes are given back at once.
 * `root` is put in front of /proc. Throws what reading throws.
 */
export function symbolAddresses(names: Iterable<string>, root = ''): SymbolAddresses {
  const text = readProcText(`${root}/proc/kallsyms`);
  try {
    const all = [...names].map((name) => [name, addressOf(text, name)] as const);
    const there = all.filter((one): one is readonly [string, bigint] => one[1] !== undefined);
    // Symbols of per-CPU variables begin at zero, but not all that anybody asks for.
    const hidden = there.length > 0 && there.every(([, address]) => address === 0n);
    return { found: new Map(hidden ? [] : there), hidden };
  } finally {
    giveBack(text);
  }
}

/** Of lines such as `ffffffff81000000 D name` and `ffffffffc0000000 t name\t[module]`. */
function addressOf(text: Buffer, name: string): bigint | undefined {
  const wanted = ` ${name}`;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const behind = text[at + wanted.length];
    if (behind !== newline && behind !== tab && behind !== undefined) continue;
    const start = at - addressDigits - 2;
    if (start < 0 || text[at - 2] !== space || (start > 0 && text[start - 1] !== newline)) continue;
    return BigInt(`0x${text.toString('latin1', start, start + addressDigits)}`);
  }
  return undefined;
}
