/** What kind of thing went wrong; stable, for tests and for callers that react to a kind. */
export type ErrorCode = 'usage' | 'config' | 'object' | 'load' | 'attach' | 'map' | 'decode' | 'reader' | 'environment';

/**
 * An error that a user reads: `subject: cause`, then what to do next.
 * The message holds one line; `detail` holds what is too long for it (the verifier's log) and is shown at debug level.
 */
export class MeterError extends Error {
  readonly code: ErrorCode;
  /** What the user can do about it, one sentence; shown after the message. */
  readonly remedy: string | undefined;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; remedy?: string; detail?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MeterError';
    this.code = code;
    this.remedy = options.remedy;
    this.detail = options.detail;
  }
}
