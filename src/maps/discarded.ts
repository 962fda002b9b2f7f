import { repeat } from '../background.ts';
import type { LoadedObject } from '../libbpf/loaded.ts';
import { openRingBuffer } from '../libbpf/ring-buffer.ts';

/** Traces may come fast, and buffers are mostly some hundred KiB. */
const lookMs = 100;

/**
 * Empties ring buffers that a program fills and nobody reads, until it is disposed: a program that finds no room may stop counting
 * too. Throws MeterError('map').
 */
export function discardRecords(object: LoadedObject, maps: readonly string[]): Disposable {
  using stack = new DisposableStack();
  const rings = maps.map((name) => {
    const { fd, maxEntries } = object.map(name);
    return stack.use(openRingBuffer(`${object.path}: map ${name}`, fd, maxEntries));
  });
  const discard = () => {
    for (const ring of rings) ring.discard();
  };
  if (rings.length > 0) stack.use(repeat(`${object.path}: traces`, lookMs, discard));
  const all = stack.move();
  return { [Symbol.dispose]: () => all.dispose() };
}
