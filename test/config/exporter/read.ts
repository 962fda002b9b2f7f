import type { ExporterConfig, ReaderConfig } from '../../../src/config/exporter/configuration.ts';
import { readExporterFile } from '../../../src/config/exporter/file.ts';
import type { Environment } from '../../../src/config/exporter/substitute.ts';

/** `LINE:COLUMN message` of each error (and warning) of a file called otelcol.yaml. */
export function problems(text: string, env: Environment = {}): string[] {
  const file = readExporterFile(text, 'otelcol.yaml', env);
  return [...file.errors(), ...file.warnings()].map(({ line, column, message }) => `${line}:${column} ${message}`);
}

export function config(text: string, env: Environment = {}, path = 'conf/otelcol.yaml'): ExporterConfig {
  const file = readExporterFile(text, path, env);
  const errors = file.errors();
  if (errors.length > 0 || file.config === undefined) throw new Error(JSON.stringify(errors));
  return file.config;
}

/** A file whose readers are these lines, the first of which is line 4. */
export function withReaders(...lines: string[]): string {
  return ['file_format: "1.1"', 'meter_provider:', '  readers:', ...lines.map((line) => `    ${line}`), ''].join('\n');
}

/** A file with one Prometheus exporter of these keys, the first of which is line 7 and starts in column 13. */
export function prometheus(...keys: string[]): string {
  return withReaders(
    '- pull:',
    '    exporter:',
    '      prometheus/development:',
    ...keys.map((key) => `        ${key}`),
  );
}

/** A file with one OTLP exporter of these keys, the first of which is line 7 and starts in column 13. */
export function otlp(...keys: string[]): string {
  return withReaders('- periodic:', '    exporter:', '      otlp_grpc:', ...keys.map((key) => `        ${key}`));
}

export function onlyReader(text: string, env: Environment = {}): ReaderConfig {
  const { readers } = config(text, env);
  if (readers.length !== 1) throw new Error(`${readers.length} readers`);
  return readers[0]!;
}
