import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exporterConfig } from '../config/exporter/assemble.ts';
import type { ExporterConfig } from '../config/exporter/configuration.ts';
import { Log } from '../log.ts';
import { refusePipe } from '../user-file.ts';
import type { Options } from './options.ts';
import { overlayOf } from './overlay.ts';

/** Two levels up from here are the clone's folder and the package's, whether this is src or dist. */
const exporterStyle = join(import.meta.dirname, '..', '..', 'config', 'ebpf-exporter.yaml');

/** The effective configuration of the file or the environment with the options over it, and a log that follows it. */
export async function configure(options: Options): Promise<{ config: ExporterConfig; log: Log }> {
  const { config, warnings } = await exporterConfig({
    configFile:
      options.config ?? (options.isExporterStyle && !process.env.OTEL_CONFIG_FILE?.trim() ? exporterStyle : undefined),
    env: process.env,
    overlay: overlayOf(options),
    readFile: readConfiguration,
  });
  const log = new Log({
    level: config.logLevel ?? 'info',
    format: options.logFormat,
    times: options.logTimes,
  });
  for (const warning of warnings) log.warn(warning);
  for (const warning of await checkWebConfig(config)) log.warn(warning);
  return { config, log };
}

/** What a shell hands over by <(…) is read once, by whoever has opened it already. */
async function readConfiguration(path: string): Promise<string> {
  if (!/^\/(?:dev|proc)\//.test(path)) refusePipe(path);
  return readFile(path, 'utf8');
}

/** Before anything is loaded: a web configuration that can't be used keeps the reader from starting. Returns warnings. */
async function checkWebConfig({ readers }: ExporterConfig): Promise<readonly string[]> {
  const reader = readers.find((one) => one.kind === 'prometheus');
  if (reader?.webConfigFile === undefined) return [];
  const { WebSecurity } = await import('../readers/prometheus/http/web-security.ts');
  return WebSecurity.check(reader.webConfigFile);
}
