import type { OtlpGrpcConfig, OtlpHttpConfig } from './configuration.ts';
import { defaultOtlp } from './defaults.ts';
import { parseEndpoint } from './grpc.ts';
import { looksLikeHttp, parseHttpEndpoint, withMetricsPath } from './http.ts';

/** What --otlp URL asks for beside a file: an exporter with the defaults, not the file's headers; else why there is none. */
export function otlpExporter(
  url: string,
): { readonly exporter: OtlpGrpcConfig | OtlpHttpConfig; readonly warnings: readonly string[] } | { cause: string } {
  if (!looksLikeHttp(url)) {
    const endpoint = parseEndpoint(url);
    if ('cause' in endpoint) return endpoint;
    const tls = { ...defaultOtlp.tls, insecure: endpoint.insecure };
    return { exporter: { ...defaultOtlp, endpoint: endpoint.url, tls }, warnings: endpoint.warnings };
  }
  const endpoint = parseHttpEndpoint(withMetricsPath(url));
  if ('cause' in endpoint) return endpoint;
  const { insecure: _, ...tls } = defaultOtlp.tls;
  return { exporter: { ...defaultOtlp, kind: 'otlp_http', endpoint: endpoint.url, tls }, warnings: endpoint.warnings };
}
