import { type Automaton, automatonCharacters, firstState, matchedState } from '../../src/decoders/re2-automaton.ts';

/** Whether an automaton takes a text of ASCII, as programs/generic/cgroup_ids.bpf.c runs it. */
export function automatonMatches({ next, accepts }: Automaton, text: string): boolean {
  let state = firstState;
  for (const character of Buffer.from(text)) {
    state = next[state * automatonCharacters + character]!;
    if (state === matchedState) return true;
  }
  return accepts[state] === 1;
}
