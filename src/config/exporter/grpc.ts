import { parseEndpointUrl, quotedUrl } from './endpoint-url.ts';

interface Endpoint {
  /** http://HOST:PORT or https://HOST:PORT. */
  readonly url: string;
  readonly insecure: boolean;
  /** What will not be as it was probably meant. */
  readonly warnings: readonly string[];
}

export const defaultEndpoint = 'http://localhost:4317';

/**
 * An OTLP endpoint for gRPC: http://HOST[:PORT], https://HOST[:PORT], or without a scheme, where `insecure` decides.
 * Returns a cause where it is none; neither cause nor warning quotes credentials.
 */
export function parseEndpoint(written: string, insecure = false): Endpoint | { cause: string } {
  const trimmed = written.trim();
  const hasScheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(trimmed);
  const example = 'write it as http://HOST:4317 or https://HOST:4317';
  const credentials = 'gRPC sends no user and password from the URL: put them into a header';
  const text = hasScheme ? trimmed : `${insecure ? 'http' : 'https'}://${trimmed}`;
  const url = parseEndpointUrl(text, { written: trimmed, example, credentials });
  if ('cause' in url) return url;
  const plain = url.protocol === 'http:';
  const warnings: string[] = [];
  const port = url.port || (plain ? '80' : '443');
  const shown = `${url.protocol}//${url.hostname}:${port}`;
  if (url.port === '' && writtenPort(trimmed) === undefined) {
    warnings.push(`${quotedUrl(trimmed)} has no port, so ${port} is used; Collectors listen on 4317`);
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    warnings.push(`gRPC uses nothing behind the port of ${JSON.stringify(shown)}`);
  }
  return { url: shown, insecure: plain, warnings };
}

/** URL drops a port that is the scheme's own, as if none had been written. */
function writtenPort(text: string): string | undefined {
  const authority = text.replace(/^[^/]*:\/\//, '').split(/[/?#]/, 1)[0]!;
  return /:0*(\d+)$/.exec(authority)?.[1];
}

/** Why this can't be sent as gRPC metadata; undefined where it can. Never quotes the value. */
export function headerCause(name: string, value: string): string | undefined {
  if (!/^[0-9a-z_.-]+$/i.test(name)) {
    // What stands in front of the first "=" may be the secret, as in `Authorization: Basic c2VjcmV0==`.
    return 'the name of a header has something else than letters, digits, "_", "-" and "."; NAME=VALUE is meant';
  }
  if (/-bin$/i.test(name)) return `${JSON.stringify(name)}: binary headers (-bin) aren't supported by this version`;
  if (!/^[ -~]*$/.test(value)) {
    return `the value of ${JSON.stringify(name)} has characters that a header can't have (only printable ASCII)`;
  }
  return undefined;
}
