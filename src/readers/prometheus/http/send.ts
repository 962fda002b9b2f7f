import type { ServerResponse } from 'node:http';

export const PLAIN = 'text/plain; charset=utf-8';

/** Node leaves the body of an answer to HEAD out by itself, but not its length. */
export function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  begin(response, status, type, Buffer.byteLength(body));
  response.end(body);
}

/** The answer's head alone. */
export function begin(response: ServerResponse, status: number, type: string, length: number): void {
  response.statusCode = status;
  response.setHeader('content-type', type);
  response.setHeader('content-length', length);
}
