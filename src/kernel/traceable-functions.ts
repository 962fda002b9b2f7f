import { existsSync, readFileSync } from 'node:fs';
import { compileGlob, isExact, type Pattern } from './glob.ts';
import { readProcText } from './proc-text.ts';
import { readTracefs } from './tracefs.ts';

/** A function of the kernel that probes can be put on. */
export interface KernelFunction {
  readonly name: string;
  /** Undefined: of the kernel itself. */
  readonly module: string | undefined;
  /**
   * Where it begins; several where static functions share the name. None where the name will do, as no function that was
   * found shares its with another, or the kernel hides them (CAP_SYSLOG).
   */
  readonly addresses: readonly bigint[];
}

interface Unmatched<P extends Pattern> {
  readonly pattern: P;
  /** Why nothing was found. */
  readonly reason: string;
  /** Names to suggest in its place. */
  readonly known: readonly string[];
}

interface FoundFunctions<P extends Pattern> {
  /** By name. */
  readonly functions: readonly KernelFunction[];
  /** Patterns, of those that don't leave out, that name nothing here. */
  readonly unmatched: readonly Unmatched<P>[];
}

interface FindOptions {
  /** Put in front of /proc and /sys; '' unless set. */
  readonly root?: string;
}

/** What stands in lists of functions and is none that is ever called by this name. */
const noFunction = /^(__pfx_|__cfi_|__ftrace_invalid_address___|\$)|\.cold(\.\d+)?$/;
/** What compilers put behind the name of a function whose parameters they have changed. */
const variant = /\.(isra|constprop)\.\d+(\.(isra|constprop)\.\d+)*$/;

/** Of code, weak or not, seen by modules or not. */
const codeTypes = 'tTwW';

/** Whether the kernel was built with kprobes: their event source is there since Linux 4.17 (commit 65074d43fc77). */
export function hasKprobes({ root = '' }: FindOptions = {}): boolean {
  return existsSync(`${root}/sys/bus/event_source/devices/kprobe`);
}

/**
 * The functions that the patterns name: those that ftrace can trace (available_filter_functions) less those that kprobes
 * must not touch (kprobes/blacklist). Where tracefs can't be read, the symbols of /proc/kallsyms stand for the first list;
 * among them are some that can't be probed, which shows when it is tried. A pattern `NAME [MODULE]` means functions of
 * that module, others those of the kernel and of all modules. A name without `*` that only the compiler's variants have
 * (`NAME.isra.0`, `NAME.constprop.0`) means those. Never throws.
 */
export function findFunctions<P extends Pattern>(
  patterns: readonly P[],
  { root = '' }: FindOptions = {},
): FoundFunctions<P> {
  let read: readonly Symbol[] | undefined;
  // Half a second on a busy machine, and hardly ever needed beside the list.
  const symbols = () => {
    read ??= readSymbols(root);
    return read;
  };
  const listed = readTracefs('available_filter_functions', root).text;
  const traceable = listed === undefined ? symbols() : parseTraceable(listed);
  const forbidden = readForbidden(root);
  const isAllowed = ({ name }: Symbol) => !noFunction.test(name) && !forbidden.has(name);

  const excluded = patterns.filter(({ excludes }) => excludes).map(({ text }) => matcher(text));
  const matches = new Set<Symbol>();
  const unmatched: Unmatched<P>[] = [];
  for (const pattern of patterns) {
    if (pattern.excludes) continue;
    // Few match, so what they are is looked at after.
    const matched = candidatesOf(pattern, traceable).filter(isAllowed);
    if (matched.length === 0) {
      const candidates = traceable.filter(isAllowed);
      unmatched.push(explain(pattern, symbols(), candidates, forbidden, listed !== undefined));
    }
    for (const one of matched) if (!excluded.some((leavesOut) => leavesOut(one))) matches.add(one);
  }
  const found = [...matches];
  const unique = [...new Map(found.map((one) => [idOf(one), one])).values()];
  const areNamesShared = new Set(found.map(({ name }) => name)).size < found.length;
  return { functions: withAddresses(unique, areNamesShared ? symbols() : []), unmatched };
}

interface Symbol {
  readonly name: string;
  readonly module: string | undefined;
  /** Hexadecimal; '' in a list that has none. */
  readonly address: string;
}

function idOf({ name, module }: Symbol): string {
  return module === undefined ? name : `${name} [${module}]`;
}

function matcher(text: string): (one: Symbol) => boolean {
  const [, name = text, module] = /^(\S+) \[([^\]]+)\]$/.exec(text) ?? [];
  const matchesName = compileGlob(name);
  if (module === undefined) return (one) => matchesName(one.name);
  const matchesModule = compileGlob(module);
  return (one) => matchesName(one.name) && one.module !== undefined && matchesModule(one.module);
}

function candidatesOf(pattern: Pattern, candidates: readonly Symbol[]): readonly Symbol[] {
  const matched = candidates.filter(matcher(pattern.text));
  if (matched.length > 0 || !isExactName(pattern)) return matched;
  const matches = matcher(pattern.text);
  return candidates.filter((one) => variant.test(one.name) && matches({ ...one, name: one.name.replace(variant, '') }));
}

/** The module's brackets aren't a glob's. */
function isExactName(pattern: Pattern): boolean {
  return isExact({ ...pattern, text: pattern.text.replace(/ \[.*$/, '') });
}

function explain<P extends Pattern>(
  pattern: P,
  symbols: readonly Symbol[],
  candidates: readonly Symbol[],
  forbidden: ReadonlySet<string>,
  listed: boolean,
): Unmatched<P> {
  const known = candidates.map(({ name }) => name);
  if (symbols.length === 0 && !listed) {
    return {
      pattern,
      known,
      reason: "the kernel doesn't tell its functions (/proc/kallsyms, available_filter_functions)",
    };
  }
  if (!isExactName(pattern))
    return { pattern, known, reason: 'no function of this kernel that can be traced is called so' };
  const matches = matcher(pattern.text);
  if (symbols.some((one) => matches(one) && forbidden.has(one.name))) {
    return { pattern, known: [], reason: 'the kernel forbids probes there (kprobes/blacklist)' };
  }
  if (listed && symbols.some(matches)) {
    return { pattern, known: [], reason: "it is there, but can't be traced: marked notrace, or written in assembler" };
  }
  const reason =
    'this kernel has no function of this name, or only in places where the compiler has put its code (inlined)';
  return { pattern, known, reason };
}

/** One for each name and module, whichever of the lists it was found in. */
function withAddresses(found: readonly Symbol[], symbols: readonly Symbol[]): KernelFunction[] {
  const addresses = new Map<string, bigint[]>(found.map((one) => [idOf(one), []]));
  const names = new Set(found.map(({ name }) => name));
  for (const one of symbols) {
    if (!names.has(one.name)) continue;
    const list = addresses.get(idOf(one));
    // All zero for readers without the right.
    if (list !== undefined && !/^0*$/.test(one.address)) list.push(BigInt(`0x${one.address}`));
  }
  return found
    .map((one) => ({ name: one.name, module: one.module, addresses: addresses.get(idOf(one))! }))
    .sort((one, other) => (idOf({ ...one, address: '' }) < idOf({ ...other, address: '' }) ? -1 : 1));
}

/** Lines `name`, with ` [module]` behind a module's. Source: t_show in kernel/trace/ftrace.c. */
function parseTraceable(text: string): Symbol[] {
  const functions: Symbol[] = [];
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space < 0 && line !== '') functions.push({ name: line, module: undefined, address: '' });
    else if (space > 0) functions.push({ name: line.slice(0, space), module: moduleIn(line), address: '' });
  }
  return functions;
}

/** The symbols that are code: lines `address type name`, with `\t[module]` behind a module's. Source: s_show in kernel/kallsyms.c. */
function readSymbols(root: string): Symbol[] {
  let text: string;
  try {
    text = readProcText(`${root}/proc/kallsyms`).toString('latin1');
  } catch {
    return [];
  }
  const symbols: Symbol[] = [];
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (!codeTypes.includes(line.charAt(space + 1)) || space < 0) continue;
    const tab = line.indexOf('\t');
    const name = tab < 0 ? line.slice(space + 3) : line.slice(space + 3, tab);
    symbols.push({ name, module: tab < 0 ? undefined : moduleIn(line), address: line.slice(0, space) });
  }
  return symbols;
}

function moduleIn(text: string): string | undefined {
  return /\[([^\]]+)\]/.exec(text)?.[1];
}

/** Lines `0xfrom-0xto\tname`. Source: kprobe_blacklist_seq_show in kernel/kprobes.c. */
function readForbidden(root: string): Set<string> {
  try {
    const text = readFileSync(`${root}/sys/kernel/debug/kprobes/blacklist`, 'latin1');
    return new Set(text.split('\n').map((line) => line.split('\t')[1] ?? ''));
  } catch {
    return new Set();
  }
}
