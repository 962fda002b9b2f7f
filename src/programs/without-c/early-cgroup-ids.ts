import type { CgroupIdsPlan } from '../../config/plan.ts';
import { compileRe2 } from '../../decoders/re2.ts';
import { type Automaton, automatonOf } from '../../decoders/re2-automaton.ts';
import { MeterError } from '../../errors.ts';
import { type KernelMap, update } from '../../libbpf/map.ts';
import { OpenedObject } from '../../libbpf/object.ts';
import { explained } from './explained.ts';
import { genericObject } from './object.ts';

/** Of programs/generic/cgroup_ids.bpf.c: what does it and the map that stands for the program's own. */
const kinds = {
  hash: { programs: ['add_id', 'drop_id'], map: 'ids', other: 'storage' },
  cgrp_storage: { programs: ['mark_cgroup'], map: 'storage', other: 'ids' },
} as const;

/**
 * Has the kernel itself put cgroups that match into a program's map, in the mkdir that makes them, until it is disposed.
 * `folder` is what paths of the hierarchy begin with. Throws MeterError where that can't be done: 'load', 'attach', or 'object' where
 * patterns are too large, or the object wasn't compiled.
 */
export function addCgroupsEarly({ type, regexps }: CgroupIdsPlan, map: KernelMap, folder: string): Disposable {
  const subject = `map ${map.name}: new cgroups`;
  const automaton = automatonOf(regexps.map(compileRe2), folder);
  if (automaton === undefined) {
    throw new MeterError('object', `${subject}: the regexps are too large to be matched in the kernel`, {
      remedy: 'Write simpler ones: without counted repetitions such as {40}, and without characters beyond ASCII',
    });
  }
  const kind = kinds[type];
  using stack = new DisposableStack();
  try {
    using opened = OpenedObject.open(genericObject('cgroup_ids'));
    opened.setAutocreate(kind.other, false);
    opened.reuseMap(kind.map, map.fd);
    for (const program of kind.programs) opened.setAutoload(program, true);
    const loaded = stack.use(opened.load());
    update(loaded.map('automaton').fd, Uint32Array.of(0), bytesOf(automaton));
    for (const program of kind.programs) stack.use(loaded.attach(program));
  } catch (error) {
    throw explained(subject, 'tp_btf/cgroup_mkdir', error);
  }
  return stack.move();
}

/** struct automaton. */
function bytesOf({ next, accepts }: Automaton): Uint8Array {
  return Buffer.concat([next, accepts]);
}
