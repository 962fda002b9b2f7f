/** What stopped set-up, as sentences for the user: the cause, then what to do. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {{needsRoot?: boolean}} [options] needsRoot: the same command would work as root.
   */
  constructor(message, { needsRoot = false } = {}) {
    super(message);
    this.name = 'SetupError';
    this.needsRoot = needsRoot;
  }
}

/** One line about what is being done; standard output stays free for what the command itself prints. */
export function say(line) {
  console.error(`setup: ${line}`);
}
