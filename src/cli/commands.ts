export const commands = ['run', 'check', 'list', 'help', 'version'] as const;

export type Command = (typeof commands)[number];
