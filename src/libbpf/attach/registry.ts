import { auto } from './auto.ts';
import { iter } from './iter.ts';
import type { AttachKind } from './kind.ts';
import { kprobe } from './kprobe.ts';
import { perfEvent } from './perf-event.ts';
import { postAttachMark } from './post-attach-mark.ts';
import { xdp } from './xdp.ts';

/** The first that takes a section is asked; `auto`, which takes all, is the last. */
const kinds: readonly AttachKind[] = [kprobe, iter, perfEvent, postAttachMark, xdp, auto];

/** The kind that attaches BPF programs of this section, with or without a `?` in front. */
export function attachKind(section: string): AttachKind {
  const bare = section.replace(/^\?/, '');
  return kinds.find((kind) => kind.takes(bare))!;
}
