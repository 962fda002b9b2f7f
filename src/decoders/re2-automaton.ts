import type { RE2JS } from 're2js';

/** States that an automaton may have, and characters that it knows: of ASCII all. */
const automatonStates = 256;
export const automatonCharacters = 128;
/** The state of a text that matches, whatever follows, and the one in which texts begin. */
export const matchedState = 0;
export const firstState = 1;

/** Whether a text matches, a byte at a time. */
export interface Automaton {
  /** By state and character, one row of automatonCharacters per state: the next state. */
  readonly next: Uint8Array;
  /** By state: 1 where a text that ends there matches. */
  readonly accepts: Uint8Array;
}

/**
 * Whether one of the patterns matches somewhere in a text that begins with `prefix`, as an automaton over what follows in
 * ASCII. Undefined where that would have too many states, or the patterns are not as they are known here.
 */
export function automatonOf(patterns: readonly RE2JS[], prefix: string): Automaton | undefined {
  const machine = new Machine(patterns.map((pattern) => (pattern.re2() as { prog: Program }).prog));
  if (!machine.isKnown) return undefined;
  let begin: State | undefined = machine.begin();
  for (const character of Buffer.from(prefix, 'latin1')) begin = begin && machine.step(begin, character);

  const next = new Uint8Array(automatonStates * automatonCharacters);
  const accepts = new Uint8Array(automatonStates);
  accepts[matchedState] = 1;
  // What has matched stays so: its row is all zero, as that of a beginning is that has matched already.
  if (begin === undefined) {
    accepts[firstState] = 1;
    return { next, accepts };
  }
  const numbers = new Map([[begin.key, firstState]]);
  const states = [begin];
  for (let number = firstState; number <= states.length; number++) {
    const state = states[number - firstState]!;
    accepts[number] = machine.ends(state) ? 1 : 0;
    for (let character = 1; character < automatonCharacters; character++) {
      const then = machine.step(state, character);
      if (then === undefined) continue;
      let known = numbers.get(then.key);
      if (known === undefined) {
        if (states.length === automatonStates - firstState) return undefined;
        states.push(then);
        known = states.length;
        numbers.set(then.key, known);
      }
      next[number * automatonCharacters + character] = known;
    }
  }
  return { next, accepts };
}

/** A compiled pattern as re2js has it: Go's regexp/syntax.Prog. */
interface Program {
  readonly start: number;
  readonly inst: readonly Instruction[];
}

interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  matchRune(rune: number): boolean;
}

const op = {
  alt: 1,
  altMatch: 2,
  capture: 3,
  emptyWidth: 4,
  fail: 5,
  match: 6,
  nop: 7,
  rune: 8,
  rune1: 9,
  runeAny: 10,
  runeAnyNotNewline: 11,
} as const;
const knownOps: ReadonlySet<number> = new Set(Object.values(op));

/** What an empty-width instruction asks for, as bits. */
const empty = {
  beginLine: 1,
  endLine: 2,
  beginText: 4,
  endText: 8,
  wordBoundary: 16,
  noWordBoundary: 32,
} as const;

const newline = 10;
const nothing = -1;

/** Instructions that are next, by pattern, and the character before; undefined in place of a state: it has matched. */
interface State {
  readonly key: string;
  readonly at: readonly (readonly number[])[];
  readonly before: number;
}

class Machine {
  readonly isKnown: boolean;
  readonly #programs: readonly Program[];

  constructor(programs: readonly Program[]) {
    this.#programs = programs;
    this.isKnown = programs.every(({ inst }) => inst.every(({ op }) => knownOps.has(op)));
  }

  begin(): State {
    return stateOf(
      this.#programs.map(({ start }) => [start]),
      nothing,
    );
  }

  step(state: State, character: number): State | undefined {
    const flags = flagsBetween(state.before, character);
    const at: number[][] = [];
    for (const [index, program] of this.#programs.entries()) {
      const reached = closure(program, state.at[index]!, flags);
      if (reached === undefined) return undefined;
      const then = reached.filter((pc) => takes(program.inst[pc]!, character)).map((pc) => program.inst[pc]!.out);
      // A match may begin anywhere.
      at.push([...then, program.start]);
    }
    return stateOf(at, character);
  }

  /** Whether a text that ends here matches. */
  ends({ at, before }: State): boolean {
    const flags = flagsBetween(before, nothing);
    return this.#programs.some((program, index) => closure(program, at[index]!, flags) === undefined);
  }
}

function stateOf(at: readonly (readonly number[])[], before: number): State {
  const sorted = at.map((pcs) => [...new Set(pcs)].sort((a, b) => a - b));
  // All that a later instruction can ask of it.
  const kind = before === nothing || before === newline ? before : isWord(before) ? 'word' : '';
  return { key: `${kind} ${sorted.join('|')}`, at: sorted, before };
}

/** Instructions that take a character and are reached without one; undefined: the end of a pattern is. */
function closure({ inst }: Program, from: readonly number[], flags: number): number[] | undefined {
  const seen = new Set(from);
  const reached: number[] = [];
  for (const pc of seen) {
    const { op: kind, out, arg } = inst[pc]!;
    if (kind === op.match) return undefined;
    if (kind >= op.rune) reached.push(pc);
    else if (kind === op.alt || kind === op.altMatch) seen.add(out).add(arg);
    else if (kind === op.capture || kind === op.nop) seen.add(out);
    else if (kind === op.emptyWidth && (arg & ~flags) === 0) seen.add(out);
  }
  return reached;
}

function takes(instruction: Instruction, character: number): boolean {
  if (instruction.op === op.runeAny) return true;
  if (instruction.op === op.runeAnyNotNewline) return character !== newline;
  return instruction.matchRune(character);
}

function flagsBetween(before: number, after: number): number {
  let flags = isWord(before) === isWord(after) ? empty.noWordBoundary : empty.wordBoundary;
  if (before === nothing) flags |= empty.beginText;
  if (before === nothing || before === newline) flags |= empty.beginLine;
  if (after === nothing) flags |= empty.endText;
  if (after === nothing || after === newline) flags |= empty.endLine;
  return flags;
}

function isWord(character: number): boolean {
  return /\w/.test(String.fromCharCode(Math.max(character, 0)));
}
