/**
 * The decoded path of a request's target, of origin-form (`/metrics?x`) or of absolute-form (`http://host/metrics`), which
 * every server has to take; undefined where it is neither, or encodes no text.
 * Source: RFC 9112 sections 3.2.1 and 3.2.2; RFC 3986 sections 2.1, 3.3 and 6.2.2.2.
 */
export function requestPath(target: string): string | undefined {
  const [, path] = /^(?:https?:\/\/[^/?#]+)?(\/[^?#]*|(?=[?#]|$))/i.exec(target) ?? [];
  if (path === undefined || target === '') return undefined;
  try {
    return decodeURIComponent(path === '' ? '/' : path);
  } catch {
    return undefined;
  }
}
