/** One way to a receiver. */
export interface Transport {
  /**
   * Sends an ExportMetricsServiceRequest, whose bytes stay as they are until the answer; never rejects.
   * `timeoutMs`: how long it may take in all.
   */
  send(request: Uint8Array, timeoutMs: number): Promise<Answer>;
  /**
   * Sends a request without data, for which a receiver does nothing: whether it is there, however long ago it was gone.
   * Waits for a connection where there is none.
   */
  probe(timeoutMs: number): Promise<Answer>;
  close(): void;
}

export type Answer = Accepted | Failed;

interface Accepted {
  readonly accepted: true;
  /** What was rejected of it (ExportMetricsPartialSuccess of OTLP). */
  readonly rejected: Rejected | undefined;
}

export interface Rejected {
  /** 0 where the message is only a warning. */
  readonly points: number;
  readonly message: string;
}

export interface Failed {
  readonly accepted: false;
  /** `message` says why; it never has a header's value. */
  readonly error: Error;
  /** For the attribute error.type: UNAVAILABLE, 503, ECONNREFUSED … */
  readonly errorType: string;
  /** Whether it is worth being sent again, as the protocol says. */
  readonly retryable: boolean;
  /** False: nobody answered. */
  readonly answered: boolean;
  /** The receiver may have stored it all the same. */
  readonly unclear: boolean;
  /** The receiver finds the request too large. */
  readonly tooLarge: boolean;
  /** How long the receiver wants not to be asked. */
  readonly retryAfterMs: number | undefined;
}
