import { MeterError } from '../errors.ts';
import { engine } from '../version.ts';

/**
 * Throws MeterError('environment') where this Node.js (such as 20.20.2) is older than package.json's `engines` ask for:
 * npm only warns of it, and what follows would be a syntax error.
 */
export function requireNode(running: string, needed: string = engine): void {
  const oldest = Number.parseInt(needed.replace('>=', ''), 10);
  if (Number.parseInt(running, 10) >= oldest) return;
  throw new MeterError('environment', `Node.js ${running}: too old, ebpf-meter needs ${oldest} or newer`, {
    remedy: 'See https://nodejs.org for a newer one; in a clone, "npm start" brings its own.',
  });
}
