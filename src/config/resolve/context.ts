import type { ObjectLayout } from '../../btf/types.ts';
import type { Diagnostics } from '../yaml/diagnostic.ts';

/** What the machine and the object say; what is wrong goes to `diagnostics`. */
export interface ResolveContext {
  readonly layout: ObjectLayout;
  /** Number of possible CPUs. */
  readonly cpus: number;
  readonly diagnostics: Diagnostics;
}
