import { closeSync } from 'node:fs';
import { addressOf, libbpf } from '../../src/libbpf/library.ts';
import { removeBatch } from '../../src/libbpf/map.ts';
import { updateBatch } from '../update-batch.ts';
import { type Case, SLOTS } from './cases.ts';

const nextId = libbpf<(id: number, next: Uint32Array) => number>('int bpf_map_get_next_id(uint32_t, void *)');
const fdById = libbpf<(id: number) => number>('int bpf_map_get_fd_by_id(uint32_t)');
const infoByFd = libbpf<(fd: number, info: number, length: Uint32Array) => number>(
  'int bpf_obj_get_info_by_fd(int, uintptr_t, void *)',
);

/** Id and file descriptor of another process's newest map of this name, at most 15 characters. */
export function findMap(name: string): { id: number; fd: number } {
  const next = Uint32Array.of(0);
  const info = Buffer.alloc(256);
  let newest: { id: number; fd: number } | undefined;
  while (nextId(next[0]!, next) === 0) {
    const fd = fdById(next[0]!);
    if (fd < 0) continue;
    infoByFd(fd, addressOf(info), Uint32Array.of(info.length));
    const found = info.toString('latin1', 24, 40).replace(/\0.*$/, '') === name;
    // Maps of processes that have just ended may still be there.
    if (found && newest !== undefined) closeSync(newest.fd);
    if (found) newest = { id: next[0]!, fd };
    else closeSync(fd);
  }
  if (newest === undefined) throw new Error(`${name}: no map of that name is loaded`);
  return newest;
}

/** The content of one case's map, as the benchmark keeps it. */
export class Filler {
  readonly #fd: number;
  readonly #keySize: number;
  readonly #numbers: number;
  readonly #entries: number;
  readonly #keys: Buffer;
  readonly #values: BigUint64Array<ArrayBuffer>;
  #nextKey: number;

  constructor(fd: number, { entries, kind }: Pick<Case, 'entries' | 'kind'>) {
    this.#fd = fd;
    this.#entries = entries;
    this.#keySize = kind === 'counters' ? 16 : 8;
    this.#numbers = kind === 'counters' ? 1 : SLOTS + 1;
    this.#keys = Buffer.alloc(entries * this.#keySize);
    this.#values = new BigUint64Array(entries * this.#numbers);
    this.#nextKey = entries;
    for (let entry = 0; entry < entries; entry++) this.#setKey(entry, entry);
    for (let i = 0; i < this.#values.length; i++) this.#values[i] = BigInt((i * 7919) % 1_000_003);
  }

  /** Changes every number and writes all entries. */
  write(): void {
    for (let i = 0; i < this.#values.length; i++) this.#values[i]! += BigInt((i % 977) + 1);
    updateBatch(this.#fd, this.#keys, this.#values, this.#entries);
  }

  /** Replaces so many keys by ones that were never there, spread over the map. */
  replace(count: number): void {
    const step = Math.floor(this.#entries / count);
    const gone = Buffer.alloc(count * this.#keySize);
    for (let i = 0; i < count; i++) {
      const entry = i * step;
      this.#keys.copy(gone, i * this.#keySize, entry * this.#keySize, (entry + 1) * this.#keySize);
      this.#setKey(entry, this.#nextKey++);
    }
    removeBatch(this.#fd, gone, count);
  }

  /** The sum of all counters, or of all slots, which a right page must show. */
  total(): number {
    let total = 0;
    for (let i = 0; i < this.#values.length; i++) {
      if (this.#numbers === 1 || i % this.#numbers !== SLOTS) total += Number(this.#values[i]);
    }
    return total;
  }

  #setKey(entry: number, number: number): void {
    const at = entry * this.#keySize;
    this.#keys.writeUInt32LE(number % 50, at);
    this.#keys.writeUInt32LE(number, at + 4);
    if (this.#keySize === 16)
      this.#keys.write(['read', 'write', 'flush', 'discard'][number % 4]!.padEnd(8, '\0'), at + 8);
  }
}
