import { join } from 'node:path';

/** Three levels up from here are the clone's folder and the package's, whether this is src or dist. */
const objects = join(import.meta.dirname, '..', '..', '..', 'build', 'programs', 'generic');

/** The path of a compiled programs/generic/NAME.bpf.c. */
export function genericObject(name: string): string {
  return join(objects, `${name}.bpf.o`);
}
