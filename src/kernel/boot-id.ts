import { readFileSync } from 'node:fs';
import { MeterError } from '../errors.ts';

/**
 * The machine's id since it was booted; undefined where the kernel doesn't show it, which `warn` is told: systemd's
 * ProcSubset=pid hides all of /proc but the processes.
 */
export function readBootId(
  warn: (warning: MeterError) => void,
  path = '/proc/sys/kernel/random/boot_id',
): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch (cause) {
    const message = `${path}: not readable, so that service.instance.id stands on the host's name alone`;
    const remedy = 'Leave ProcSubset=pid out, or set the attribute service.instance.id where hosts share a name';
    warn(new MeterError('environment', message, { cause, remedy }));
    return undefined;
  }
}
