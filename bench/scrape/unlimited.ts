import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../root.ts';
import type { Case } from './cases.ts';

/** Series of a metric that a reader takes unless it is told otherwise: the rest would be one series. */
const usualLimit = 10_000;

/** Options for a case that has more series than that: a configuration whose readers take all. */
export function unlimited({ entries }: Pick<Case, 'entries'>): string[] {
  return entries <= usualLimit
    ? []
    : configured('pull', 'pull: {%, exporter: {prometheus/development: {scope_info_enabled: false}}}');
}

/** Options that push to a receiver at the interval, whatever the number of series. */
export function pushing({ entries }: Pick<Case, 'entries'>, url: string, intervalMs: number): string[] {
  if (entries <= usualLimit) return ['--otlp', url];
  const times = `interval: ${intervalMs}, timeout: ${intervalMs}`;
  const push = `periodic: {%, ${times}, exporter: {otlp_grpc: {endpoint: '${url}', tls: {insecure: true}}}}`;
  return configured('push', 'pull: {%, exporter: {prometheus/development: {scope_info_enabled: false}}}', push);
}

function configured(name: string, ...readers: readonly string[]): string[] {
  const list = readers.map((reader) => `    - ${reader.replace('%', 'cardinality_limits: {default: 1000000}')}\n`);
  const folder = join(root, 'build/bench');
  const path = join(folder, `${name}.conf`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `file_format: "1.1"\nmeter_provider:\n  readers:\n${list.join('')}`);
  return ['--config', path];
}
