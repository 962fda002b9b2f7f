import type { ExporterConfig, PrometheusReaderConfig } from './configuration.ts';
import { prometheusWithoutFile } from './defaults.ts';

/** What --prometheus asks for, a reader with the defaults or none: `HOST:PORT`, `[::1]:PORT`, `:PORT` (every address), `PORT` (localhost), `off`. */
export function parsePrometheus(typed: string): { readonly value: PrometheusReaderConfig | 'off' } | { cause: string } {
  const text = typed.trim();
  if (text === 'off') return { value: text };
  const parts = /^(?:(?:\[([\da-fA-F:.%\w]+)\]|([^:[\]\s/]*)):)?(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) {
    return { cause: `${JSON.stringify(text)} is no address; write HOST:PORT, [IPV6]:PORT, :PORT, PORT or off` };
  }
  const host = parts[1] ?? parts[2] ?? prometheusWithoutFile.host;
  return { value: { ...prometheusWithoutFile, host, port } };
}

/** The configuration with what --prometheus asks for in place of all its Prometheus readers. */
export function withPrometheus(config: ExporterConfig, asked: PrometheusReaderConfig | 'off'): ExporterConfig {
  const others = config.readers.filter(({ kind }) => kind !== 'prometheus');
  if (asked === 'off') return { ...config, readers: others };
  // What the file says beside the address, such as how names are translated, is no matter of where it is served.
  const first = config.readers.find((reader) => reader.kind === 'prometheus');
  return { ...config, readers: [{ ...(first ?? asked), host: asked.host, port: asked.port }, ...others] };
}
