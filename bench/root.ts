import { join } from 'node:path';

/** The clone's folder. */
export const root = join(import.meta.dirname, '..');
