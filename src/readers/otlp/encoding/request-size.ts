/** gRPC receivers take 4 MiB unless they are told otherwise; half of it is also written and framed in half the time. */
export const LARGEST_REQUEST_BYTES = 2 * 1024 * 1024;
/** A receiver that takes even less gets requests of half the size, down to this. */
export const SMALLEST_REQUEST_BYTES = 64 * 1024;

/** Exports that go well before larger requests are tried again: at first, and at most. */
const FIRST_WAIT = 10;
const LONGEST_WAIT = 640;

/**
 * How large requests may be. A receiver that refuses one for its size gets smaller ones. Since it may have refused it for
 * want of something else, or be given more room, twice the size is tried again after a number of exports, which doubles
 * each time that this is refused.
 */
export class RequestSize {
  /** In bytes, uncompressed. */
  limit = LARGEST_REQUEST_BYTES;
  /** The limit that was taken before this larger one, until this one is taken too. */
  #before: number | undefined;
  #wait = FIRST_WAIT;
  #left = FIRST_WAIT;

  /**
   * A request of so many bytes was refused for its size. `again`: larger ones were only tried, and as they were before they
   * are taken; `smaller`: the next ones are smaller; `never`: they can't be.
   */
  refused(bytes: number): 'again' | 'smaller' | 'never' {
    const before = this.#before;
    this.#before = undefined;
    if (before !== undefined && bytes > before) {
      this.limit = before;
      this.#wait = Math.min(LONGEST_WAIT, this.#wait * 2);
      this.#left = this.#wait;
      return 'again';
    }
    this.#left = this.#wait;
    if (bytes <= SMALLEST_REQUEST_BYTES) return 'never';
    this.limit = Math.max(SMALLEST_REQUEST_BYTES, Math.floor(bytes / 2));
    return 'smaller';
  }

  /** An export was delivered whole, in requests of at most so many bytes. */
  delivered(largest: number): void {
    if (this.#before !== undefined) {
      if (largest <= this.#before) return;
      this.#before = undefined;
      this.#wait = FIRST_WAIT;
      this.#left = FIRST_WAIT;
      return;
    }
    if (this.limit === LARGEST_REQUEST_BYTES || --this.#left > 0) return;
    this.#before = this.limit;
    this.limit = Math.min(LARGEST_REQUEST_BYTES, this.limit * 2);
  }
}
