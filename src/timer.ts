/** The largest delay of a timer, in milliseconds, some 24 days: what stands for no limit. Source: Node's documentation of setTimeout. */
export const longestMs = 2 ** 31 - 1;
