import { dirname } from 'node:path';
import type { LogLevel } from '../../log-settings.ts';
import { type Diagnostic, Diagnostics } from '../yaml/diagnostic.ts';
import { type ConfigMap, type ConfigNode, parseYaml } from '../yaml/document.ts';
import { nearest } from '../yaml/nearest.ts';
import type { ExporterConfig } from './configuration.ts';
import { readDistribution } from './distribution.ts';
import { readMeterProvider } from './readers.ts';
import { readResource } from './resource-attributes.ts';
import { exporterFileHiding } from './secrets.ts';
import { setting } from './section.ts';
import { type Environment, substituteScalars } from './substitute.ts';

/** An OpenTelemetry declarative configuration file that has been read. */
interface ExporterFile {
  /** Undefined where the text isn't YAML. */
  readonly config: ExporterConfig | undefined;
  readonly root: ConfigNode | undefined;
  /** Where readers are missing when there are none. */
  readonly readers: ConfigNode | undefined;
  /** What was found so far, without the text of lines that may hold credentials. */
  errors(): readonly Diagnostic[];
  warnings(): readonly Diagnostic[];
}

const supported = ['file_format', 'disabled', 'log_level', 'resource', 'meter_provider', 'distribution'];
const harmless = ['attribute_limits', 'propagator', 'instrumentation/development'];
const unsupported = {
  tracer_provider: 'no traces are exported, remove it',
  logger_provider: 'no logs are exported, remove it',
};

const severities = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
const levels: Record<(typeof severities)[number], LogLevel> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'error',
};

/**
 * Reads the text of an OpenTelemetry declarative configuration file (schema 1.0 and 1.1); `file` is its path,
 * for messages and as the start of relative paths, `env` what `${…}` refers to. Never throws.
 */
export function readExporterFile(text: string, file: string, env: Environment): ExporterFile {
  const diagnostics = new Diagnostics();
  const root = parseYaml(text, file, diagnostics, {
    prepare: (document, position) => substituteScalars(document, text, env, position, diagnostics),
    hiding: exporterFileHiding,
  });
  const explained = (list: readonly Diagnostic[]) => (root === undefined ? explainSyntax(list, text) : list);
  const top = root === undefined ? undefined : readRoot(root, file);
  return {
    config: top?.config,
    root,
    readers: top?.readers,
    errors: () => explained(diagnostics.errors),
    warnings: () => explained(diagnostics.warnings),
  };
}

function readRoot(root: ConfigNode, file: string): { config: ExporterConfig; readers: ConfigNode } | undefined {
  const map = root.map();
  if (map === undefined) return undefined;
  checkKeys(map);
  checkFormat(map);
  const directory = dirname(file);
  const provider = setting(map, 'meter_provider');
  const resourceNode = setting(map, 'resource');
  const resource = resourceNode && readResource(resourceNode);
  const severity = setting(map, 'log_level')?.oneOf(
    severities.flatMap((name) => [name, `${name}2`, `${name}3`, `${name}4`] as const),
  );
  const meters = provider === undefined ? undefined : readMeterProvider(provider, directory);
  const disabled = setting(map, 'disabled')?.boolean() ?? false;
  const config: ExporterConfig = {
    disabled: disabled || meters?.isEnabled === false,
    logLevel: severity && levels[severity.replace(/\d$/, '') as (typeof severities)[number]],
    resourceAttributes: resource?.attributes ?? {},
    resourceSchemaUrl: resource?.schemaUrl,
    readers: meters?.readers ?? [],
    ...(meters?.views && { views: meters.views }),
    ...(resource?.detection && { detection: resource.detection }),
    ...readDistribution(setting(map, 'distribution'), directory),
  };
  const readers = provider?.isMap ? provider.map()?.get('readers') : undefined;
  return { config, readers: readers ?? map.get('meter_provider') ?? root };
}

/** The schema lets anything stand at the top; what looks like a slip is an error all the same. */
function checkKeys(map: ConfigMap): void {
  for (const { name, key } of map.entries) {
    if (supported.includes(name) || harmless.includes(name)) continue;
    const near = nearest(name, [...supported, ...harmless, ...Object.keys(unsupported)]);
    if (Object.hasOwn(unsupported, name)) {
      key.error(`"${name}" isn't supported by this version; ${unsupported[name as keyof typeof unsupported]}`);
    } else if (near !== undefined) key.error(`unknown key "${name}", did you mean "${near}"?`);
    else if (!name.startsWith('x-')) key.warn(`unknown key "${name}", nothing is done with it`);
  }
}

function checkFormat(map: ConfigMap): void {
  const node = map.required('file_format');
  if (node === undefined) return;
  const format = node.isNull ? '' : node.text();
  if (format === undefined) return;
  if (!/^1\.[01]$/.test(format)) {
    node.error(`"file_format": ${JSON.stringify(format)} isn't supported by this version; use "1.0" or "1.1"`);
  } else node.string();
}

/** A `{` behind `$` starts a map where YAML is in flow style, and the parser's errors don't tell. */
function explainSyntax(errors: readonly Diagnostic[], text: string): readonly Diagnostic[] {
  const written = text.replace(/^\ufeff/, '').split('\n');
  const explained: Diagnostic[] = [];
  const lines = new Set<number>();
  for (const error of errors) {
    if (lines.has(error.line)) continue;
    if (written[error.line - 1]?.slice(error.column - 2, error.column) !== '${') {
      explained.push(error);
      continue;
    }
    lines.add(error.line);
    explained.push({
      ...error,
      column: error.column - 1,
      message:
        'inside {…} and […] YAML reads ${ as the start of a map: put the reference into quotes, or give it a line of its own, where numbers stay numbers',
    });
  }
  return explained;
}
