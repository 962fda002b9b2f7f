import { openMutated } from '../../libbpf/open-mutated.ts';
import type { StartTarget } from '../target.ts';

/** Objects of one attempt: enough to be worth a process. */
const objects = 300;

/** What our check lets through is opened by the real libbpf, in a process of its own. */
export const start: StartTarget = () => ({
  attempt(attempt) {
    const { opened } = openMutated(attempt.below(2 ** 31), objects);
    return opened > 0 ? 'taken' : 'refused';
  },
});
