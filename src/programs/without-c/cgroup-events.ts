import { existsSync } from 'node:fs';
import { MeterError } from '../../errors.ts';
import type { CgroupEvent, CgroupEvents } from '../../kernel/cgroups.ts';
import { possibleCpus } from '../../kernel/cpus.ts';
import { OpenedObject } from '../../libbpf/object.ts';
import { batchTaker } from '../../maps/batch.ts';
import { mapReaders } from '../../maps/readers.ts';
import { shapeOf } from '../../maps/shape.ts';
import { explained } from './explained.ts';
import { genericObject } from './object.ts';

interface WatchedCgroupEvents extends CgroupEvents, Disposable {}

const object = genericObject('cgroups');
const subject = 'names of cgroups';
/** Bytes of programs/generic/cgroups.bpf.c: the id; whether it was removed, and the path. */
const keyBytes = 8;
const pathAt = 8;

/**
 * Watches cgroups of version 2 come and go, by two tracepoints of their own (Linux 4.20), until it is disposed.
 * Throws MeterError where they can't be attached: 'load', 'attach', or 'object' where the object wasn't compiled.
 */
export function watchCgroups(): WatchedCgroupEvents {
  using stack = new DisposableStack();
  const loaded = stack.use(load());
  stack.use(attach('cgroup_mkdir'));
  stack.use(attach('cgroup_rmdir'));
  const changes = loaded.map('changes');
  const take = batchTaker(changes, shapeOf(changes));
  const lost = stack.use(mapReaders(loaded)).memory('lost');
  let lostBefore = 0n;

  const resources = stack.move();
  return {
    take() {
      const { count, keys, values } = take();
      const events = Array.from({ length: count }, (_, i) => eventAt(keys, values, i, changes.valueSize));
      const words = lost.read();
      const lostNow = new BigUint64Array(words.buffer, words.byteOffset, words.length / 8).reduce((a, b) => a + b, 0n);
      const more = lostNow !== lostBefore;
      lostBefore = lostNow;
      return { events, lost: more };
    },
    [Symbol.dispose]: () => resources.dispose(),
  };

  function attach(program: string) {
    try {
      return loaded.attach(program);
    } catch (error) {
      throw explained(subject, 'tp_btf/cgroup_mkdir', error);
    }
  }
}

function load() {
  if (!existsSync(object)) throw new MeterError('object', `${object}: not there`, { remedy: 'Run `npm run setup`' });
  using opened = OpenedObject.open(object);
  opened.setMaxEntries('lost', possibleCpus().indexes);
  try {
    return opened.load();
  } catch (error) {
    throw explained(subject, 'tp_btf/cgroup_mkdir', error, 'load');
  }
}

function eventAt(keys: Uint8Array, values: Uint8Array, index: number, stride: number): CgroupEvent {
  const id = Buffer.from(keys.buffer, keys.byteOffset + index * keyBytes, keyBytes).readBigUInt64LE(0);
  const value = Buffer.from(values.buffer, values.byteOffset + index * stride, stride);
  const end = value.indexOf(0, pathAt);
  return { id, path: value.toString('utf8', pathAt, end === -1 ? stride : end), removed: value[0] !== 0 };
}
