import { readFileSync } from 'node:fs';

/** package.json is one folder up from src and from dist. */
const description = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Of this package. */
export const version: string = description.version;

/** The Node.js that it needs, as `>=MAJOR`. */
export const engine: string = description.engines.node;
