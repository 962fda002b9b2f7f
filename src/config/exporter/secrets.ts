import type { ConfigNode } from '../yaml/document.ts';
import type { HidingRules } from '../yaml/hidden.ts';
import { nearest } from '../yaml/nearest.ts';

/** A key of this kind, also misspelt or in the wrong place, has a secret behind it. */
const secretKey =
  /he?a?d|auth|bearer|token|secret|pass|pw|cred|cookie|key|tls|ssl|cert|pem$|^ca|bas[ie]c|user|hash|value/i;
/** A name as settings have it, or a reference in its place, and no sentence or credential. */
const name = /^(?:[A-Za-z_][\w./-]{0,39}|\$\{\w{1,40}\})$/;
/** A value as settings of readers have it, or references that aren't understood. */
const plainValue = /^(?:[\w.:/*+,-]{0,60}|(?:\$\{\w+\}\s?)+)$/;
/** A URL without user, password and query, that may have a slip in it. */
const plainUrl = /^(?!.*(?:basic|bearer))[\w.:/[\] -]{0,100}$/i;

/** What readers may have with a value of its own. */
const readerSettings = [
  ...[
    'host',
    'port',
    'endpoint',
    'compression',
    'encoding',
    'timeout',
    'interval',
    'max_export_batch_size/development',
  ],
  ...['temporality_preference', 'default_histogram_aggregation', 'translation_strategy', 'scope_info_enabled'],
  ...['target_info_enabled/development', 'with_resource_constant_labels', 'without_scope_info', 'without_target_info'],
  ...['without_units', 'without_type_suffix', 'included', 'excluded', 'producers', 'exemplar_filter', 'default'],
  ...['counter', 'gauge', 'histogram', 'up_down_counter', 'observable_counter', 'observable_gauge'],
  'observable_up_down_counter',
];
/** What has settings below it. */
const readerSections = [
  ...['readers', 'pull', 'periodic', 'exporter', 'prometheus/development', 'otlp_grpc', 'otlp_http', 'console'],
  ...['otlp_file/development', 'resource_constant_labels', 'cardinality_limits'],
];
const top = [
  ...['file_format', 'disabled', 'log_level', 'resource', 'meter_provider', 'distribution', 'attribute_limits'],
  ...['propagator', 'instrumentation/development', 'tracer_provider', 'logger_provider'],
];
const secretSections = [
  'tls',
  'headers',
  'headers_list',
  'name',
  'value',
  'insecure',
  'ca_file',
  'cert_file',
  'key_file',
];

/**
 * What errors of OpenTelemetry's file show: of its readers what is known to be harmless, so that a secret isn't shown behind a
 * misspelt key either; of the rest all but what is called like a secret.
 */
export const exporterFileHiding: HidingRules = {
  words: new Set([
    ...readerSettings,
    ...readerSections,
    ...top,
    ...secretSections,
    'views',
    'meter_configurator/development',
  ]),
  key(path) {
    const key = path.at(-1)!;
    const isOpen = isOfReaders(path)
      ? readerSettings.includes(key) || readerSections.includes(key)
      : path.length > 1 || top.includes(key);
    if (isOpen && !isSecret(path)) return 'open';
    return name.test(key) ? 'key' : 'hidden';
  },
  shows(path, text) {
    if (!isOfReaders(path)) return true;
    const key = path.at(-1)!;
    return readerSettings.includes(key) && (key === 'endpoint' ? plainUrl : plainValue).test(text);
  },
};

/** Views and the meters have no secrets, and names that others choose. */
function isOfReaders([section, part]: readonly string[]): boolean {
  return (
    section === 'meter_provider' && part !== undefined && !/^(views|meter_configurator|exemplar_filter)/.test(part)
  );
}

function isSecret(path: readonly string[]): boolean {
  const key = path.at(-1)!;
  const [section, , part] = path;
  if (section === 'meter_provider' || top.includes(key)) return false;
  // Programs may be called anything, and attributes of the resource have names and values.
  if (section === 'distribution' && part === 'programs') return false;
  if (section === 'resource' && key === 'value') return false;
  return secretKey.test(key) || nearest(key, ['headers', 'headers_list', 'tls', 'basic_auth']) !== undefined;
}

/** A string that no message may quote, as those of the node's own accessors would. */
export function secretText(node: ConfigNode): string | undefined {
  const value: unknown = node.yaml !== null && 'value' in node.yaml ? node.yaml.value : undefined;
  if (typeof value === 'string') return value;
  node.error(`${node.subject} must be a string: put it into quotes`);
  return undefined;
}
