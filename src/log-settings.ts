/** From the most to the least urgent. */
export const logLevels = ['error', 'warn', 'info', 'debug'] as const;

export type LogLevel = (typeof logLevels)[number];

export const logFormats = ['text', 'json'] as const;

export type LogFormat = (typeof logFormats)[number];
