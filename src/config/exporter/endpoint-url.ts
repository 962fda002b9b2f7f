/**
 * An http or https URL without user and password; else the cause, which quotes neither. `written` is what the user wrote,
 * `example` what to write instead, `credentials` what to say of a user or password.
 */
export function parseEndpointUrl(
  text: string,
  { written, example, credentials }: { written: string; example: string; credentials: string },
): URL | { readonly cause: string } {
  const url = URL.parse(text);
  if (url === null) return { cause: `${quotedUrl(written)} is no URL: ${example}` };
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    return { cause: `${quotedUrl(written)} is no http or https URL: ${example}` };
  }
  return url.username === '' && url.password === '' ? url : { cause: credentials };
}

/** In quotes, without what stands in front of an `@` and behind a `?`. */
export function quotedUrl(text: string): string {
  return JSON.stringify(withoutQuery(text.replace(/^([^/]*:\/\/)?.*@/s, '$1…@')));
}

/** The URL as it may be shown: what is behind its `?` may be a secret. */
export function withoutQuery(url: string): string {
  return url.replace(/\?.*$/s, '?…');
}
