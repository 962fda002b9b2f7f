import { parseEndpointUrl, quotedUrl } from './endpoint-url.ts';

/** What OTLP over HTTP sends to where nothing is said (protocol/exporter.md of OpenTelemetry). */
export const defaultHttpEndpoint = 'http://localhost:4318/v1/metrics';

interface HttpEndpoint {
  /** The whole URL as metrics are posted to it. */
  readonly url: string;
  /** What will not be as it was probably meant. */
  readonly warnings: readonly string[];
}

/**
 * An OTLP endpoint for HTTP: a URL with its path, which is used as it is. Returns a cause where it is none; neither
 * cause nor warning quotes credentials.
 */
export function parseHttpEndpoint(text: string): HttpEndpoint | { cause: string } {
  const trimmed = text.trim();
  const example = 'write it as http://HOST:4318/v1/metrics';
  const credentials = 'user and password of a URL are not sent: put them into a header';
  const url = parseEndpointUrl(trimmed, { written: trimmed, example, credentials });
  if ('cause' in url) return url;
  const warnings: string[] = [];
  if (url.pathname === '/') {
    warnings.push(`${quotedUrl(trimmed)} has no path and is used as it is; receivers listen on /v1/metrics by custom`);
  }
  if (url.port === '4317') warnings.push('Collectors listen for gRPC on 4317, for HTTP on 4318');
  return { url: url.href, warnings };
}

/** Whether a URL that says no protocol is for HTTP: it has the port that receivers have for it, or a path. */
export function looksLikeHttp(text: string): boolean {
  const url = URL.parse(text.trim());
  return url !== null && /^https?:$/.test(url.protocol) && (url.port === '4318' || url.pathname !== '/');
}

/** The same URL; where it has no path, that of metrics is added. */
export function withMetricsPath(text: string): string {
  return URL.parse(text.trim())?.pathname === '/' ? appendMetricsPath(text) : text;
}

/** The base of all signals' URLs with the path of metrics behind its own, which a query may follow. */
export function appendMetricsPath(text: string): string {
  const [, base = '', rest = ''] = /^([^?#]*)(.*)$/s.exec(text.trim())!;
  return `${base.replace(/\/$/, '')}/v1/metrics${rest}`;
}
