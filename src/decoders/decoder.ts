import type { KernelFacts } from './kernel-facts.ts';
import type { DecoderPlan } from './plan.ts';

/**
 * One step of a label's decoding, bytes in and bytes out, as ebpf_exporter chains them.
 * Returns undefined where the series isn't wanted (a regexp that matches nothing); throws DecodeError where the bytes make no sense.
 * The input must not be kept or changed; the output may be a view of it.
 */
export type Decode = (input: Buffer) => Buffer | undefined;

/** One kind of decoder, listed in the registry. */
export interface DecoderKind {
  readonly name: string;
  /** Whether bytes may become another text while the process runs; KernelFacts.nameChanges tells when. */
  readonly namesMove?: boolean;
  /** Throws MeterError('config') where the options don't fit; `check` in the configuration has found that before. */
  create(plan: DecoderPlan, kernel: KernelFacts): Decode;
}

export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}
