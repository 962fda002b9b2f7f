import type { Position } from '../yaml/diagnostic.ts';
import type { ConfigMap, ConfigNode } from '../yaml/document.ts';
import { nearest } from '../yaml/nearest.ts';
import { type KeptCapabilities, keptCapabilities } from './capabilities.ts';
import { type ExporterConfig, type ProgramOverride, type PrometheusSettings, pageSyntaxes } from './configuration.ts';
import { defaultNamespace } from './defaults.ts';
import { resolvePath } from './path.ts';
import { section, setting, words } from './section.ts';

const ours = 'ebpf_meter';

/** `distribution.ebpf_meter` of the file; other distributions' settings beside it aren't looked at. */
export function readDistribution(
  node: ConfigNode | undefined,
  directory: string,
): Pick<
  ExporterConfig,
  'namespace' | 'strict' | 'bpfStats' | 'btfPath' | 'compatibleMetrics' | 'keepCapabilities' | 'programs' | 'prometheus'
> {
  const vendors = node?.map();
  for (const { name, key } of vendors?.entries ?? []) {
    if (name !== ours && nearest(name, [ours]) === ours) key.error(`unknown key "${name}", did you mean "${ours}"?`);
  }
  const settings = setting(vendors, ours);
  const map =
    settings &&
    section(settings, {
      supported: [
        ...['namespace', 'strict', 'bpf_stats', 'btf_path', 'compatible_metrics', 'keep_capabilities'],
        ...['directories', 'shipped', 'only', 'programs', 'prometheus'],
      ],
    });
  const namespaceNode = setting(map, 'namespace');
  const namespace = namespaceNode?.string();
  const cause = namespace === undefined ? undefined : namespaceCause(namespace);
  if (cause !== undefined) namespaceNode?.error(`"namespace": ${cause}`);
  const directories = words(setting(map, 'directories'));
  const shipped = setting(map, 'shipped')?.boolean();
  const only = words(setting(map, 'only'));
  const places = placesOf(map);
  const prometheus = setting(map, 'prometheus');
  const btfPath = setting(map, 'btf_path')?.string();
  const compatibleMetrics = setting(map, 'compatible_metrics')?.boolean();
  const keepCapabilities = readCapabilities(setting(map, 'keep_capabilities'));
  return {
    namespace: namespace ?? defaultNamespace,
    strict: setting(map, 'strict')?.boolean() ?? false,
    bpfStats: setting(map, 'bpf_stats')?.boolean() ?? false,
    ...(btfPath !== undefined && { btfPath: resolvePath(directory, btfPath) }),
    ...(compatibleMetrics !== undefined && { compatibleMetrics }),
    ...(keepCapabilities !== undefined && { keepCapabilities }),
    programs: {
      directories: directories?.map((path) => resolvePath(directory, path)),
      ...(shipped !== undefined && { shipped }),
      only,
      overrides: readOverrides(setting(map, 'programs')),
      ...(places.size > 0 && { places }),
    },
    ...(prometheus && { prometheus: readPrometheusSettings(prometheus, directory) }),
  };
}

function readCapabilities(node: ConfigNode | undefined): KeptCapabilities | undefined {
  const words = node?.isList ? node.list()?.map((item) => item.string() ?? '') : node && [node.string() ?? ''];
  if (node === undefined || words === undefined) return undefined;
  const kept = keptCapabilities(words);
  if ('cause' in kept) node.error(`"keep_capabilities": ${kept.cause}`);
  return 'cause' in kept ? undefined : kept.kept;
}

function readPrometheusSettings(node: ConfigNode, directory: string): PrometheusSettings {
  const map = section(node, {
    supported: ['web_config_file', 'gzip_level', 'max_scrapes', 'authenticate_probes', 'path', 'formats'],
  });
  const file = setting(map, 'web_config_file')?.string();
  const gzipLevel = setting(map, 'gzip_level')?.integer({ min: 1, max: 9 });
  const pathNode = setting(map, 'path');
  const path = pathNode?.string();
  const cause = path === undefined ? undefined : telemetryPathCause(path);
  if (cause !== undefined) pathNode?.error(`"path": ${cause}`);
  const maxScrapes = setting(map, 'max_scrapes')?.integer({ min: 1, max: 10_000 });
  const authenticateProbes = setting(map, 'authenticate_probes')?.boolean();
  return {
    ...(file !== undefined && { webConfigFile: resolvePath(directory, file) }),
    ...(gzipLevel !== undefined && { gzipLevel }),
    ...(maxScrapes !== undefined && { maxScrapes }),
    ...(authenticateProbes !== undefined && { authenticateProbes }),
    ...(path !== undefined && { path }),
    ...readFormats(setting(map, 'formats')),
  };
}

function readFormats(node: ConfigNode | undefined): Pick<PrometheusSettings, 'formats'> {
  const formats = node?.list()?.flatMap((item) => item.oneOf(pageSyntaxes) ?? []);
  if (formats === undefined) return {};
  if (!formats.includes('text')) node?.error('"formats" has no "text", which is what everybody else gets');
  return { formats };
}

/** Why the metrics can't be served at this path; undefined where they can. */
export function telemetryPathCause(path: string): string | undefined {
  const taken = ['/', '/-/healthy', '/-/ready'];
  if (/^\/[!-~]{1,200}$/.test(path) && !/[?#"<>\\%]/.test(path) && !taken.includes(path)) return undefined;
  return `${JSON.stringify(path)} can't be the path of the metrics; write one such as /metrics, but none of ${taken.join(', ')}`;
}

/**
 * Why this can't be the start of a metric's name, '' being none; undefined where it can.
 * Source: the OpenTelemetry specification, metrics/api.md, "Instrument name syntax".
 */
export function namespaceCause(namespace: string): string | undefined {
  if (namespace === '' || /^[A-Za-z][A-Za-z0-9_.\-/]{0,99}$/.test(namespace)) return undefined;
  return `${JSON.stringify(namespace)} must start with a letter and have only letters, digits, "_", ".", "-" and "/", at most 100`;
}

function readOverrides(node: ConfigNode | undefined): ReadonlyMap<string, ProgramOverride> {
  const overrides = new Map<string, ProgramOverride>();
  for (const { name, value } of node?.map()?.entries ?? []) {
    const map = section(value, { supported: ['enabled', 'metrics', 'constants', 'ways', 'interfaces'] });
    const metrics = words(setting(map, 'metrics'));
    const constants = new Map<string, number | bigint>();
    for (const entry of setting(map, 'constants')?.map()?.entries ?? []) {
      const constant = readConstant(entry.value);
      if (constant !== undefined) constants.set(entry.name, constant);
    }
    const ways = new Map<string, string>();
    for (const entry of setting(map, 'ways')?.map()?.entries ?? []) {
      // A way may be called `6.1`.
      const way = entry.value.text();
      if (way !== undefined) ways.set(entry.name, way);
    }
    const interfaces = readInterfaces(setting(map, 'interfaces'));
    const enabled = setting(map, 'enabled')?.boolean();
    overrides.set(name, { enabled, metrics, constants, ways, ...(interfaces && { interfaces }) });
  }
  return overrides;
}

/** Names that the kernel takes: dev_valid_name in net/core/dev.c. */
function readInterfaces(node: ConfigNode | undefined): readonly string[] | undefined {
  const names = words(node);
  node?.list()?.forEach((item, index, items) => {
    const name = item.string();
    if (name === undefined || name.trim() === '') return;
    const isName = !/[\s/:]/.test(name) && name !== '.' && name !== '..' && Buffer.byteLength(name) <= 15;
    if (!isName) item.error(`${JSON.stringify(name)} is no name of a network interface`);
    else if (items.findIndex((other) => other.string() === name) < index) item.error(`"${name}" is there twice`);
  });
  return names;
}

/** See ProgramsConfig. Whatever is no name has been reported. */
function placesOf(map: ConfigMap | undefined): ReadonlyMap<string, Position> {
  const places = new Map<string, Position>();
  const add = (prefix: string, node: ConfigNode | undefined) => {
    for (const item of node?.list() ?? []) places.set(`${prefix}.${item.string()}`, item.position);
  };
  add('only', setting(map, 'only'));
  for (const { name, key, value } of setting(map, 'programs')?.map()?.entries ?? []) {
    places.set(`programs.${name}`, key.position);
    const settings = value.isNull ? undefined : value.map();
    add(`programs.${name}.metrics`, setting(settings, 'metrics'));
    for (const constant of setting(settings, 'constants')?.map()?.entries ?? []) {
      places.set(`programs.${name}.constants.${constant.name}`, constant.key.position);
    }
    for (const { name: hook, key, value: way } of setting(settings, 'ways')?.map()?.entries ?? []) {
      places.set(`programs.${name}.ways.${hook}`, key.position);
      if (!way.isNull) places.set(`programs.${name}.ways.${hook}.${way.text()}`, way.position);
    }
    const interfaces = setting(settings, 'interfaces');
    if (interfaces !== undefined) places.set(`programs.${name}.interfaces`, interfaces.position);
  }
  return places;
}

/** C's `bool` is 0 or 1. */
function readConstant(node: ConfigNode): number | bigint | undefined {
  const yaml = node.yaml;
  if (yaml !== null && 'value' in yaml && typeof yaml.value === 'boolean') return yaml.value ? 1 : 0;
  const value = node.bigint();
  if (value === undefined) return undefined;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
