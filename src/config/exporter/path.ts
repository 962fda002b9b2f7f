import { isAbsolute, join } from 'node:path';

/** A path of the file; relative ones start at the file's folder, wherever the exporter is started. */
export function resolvePath(directory: string, path: string): string {
  return isAbsolute(path) ? path : join(directory, path);
}
