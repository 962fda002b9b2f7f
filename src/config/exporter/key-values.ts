/**
 * A list `key=value,key=value` with percent-encoded parts, the form of OTEL_RESOURCE_ATTRIBUTES, OTEL_EXPORTER_OTLP_HEADERS
 * and their counterparts in the file. Empty entries are left out; a later key wins.
 * On the first entry that isn't one, a cause that names the entry by its number, never by its text: it may be a secret.
 * Source: the OpenTelemetry specification, resource/sdk.md and protocol/exporter.md (W3C Baggage without metadata).
 */
export function parseKeyValues(text: string): { values: Readonly<Record<string, string>>; cause: string | undefined } {
  const values = new Map<string, string>();
  for (const [index, entry] of text.split(',').entries()) {
    if (entry.trim() === '') continue;
    const equals = entry.indexOf('=');
    const key = decode(entry.slice(0, equals));
    const value = decode(entry.slice(equals + 1));
    let cause: string | undefined;
    if (equals === -1) cause = 'has no "="';
    else if (key === undefined || value === undefined)
      cause = 'has a "%" that isn\'t followed by two hexadecimal digits';
    else if (key === '') cause = 'has nothing before its "="';
    if (cause !== undefined) return { values: {}, cause: `entry ${index + 1} ${cause}` };
    values.set(key!, value!);
  }
  return { values: Object.fromEntries(values), cause: undefined };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}
