import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MeterError } from '../../errors.ts';
import type { ReaderLog } from '../reader.ts';
import { landingPage } from './landing-page.ts';
import type { Page } from './page.ts';

const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';
const PLAIN = 'text/plain; charset=utf-8';

/** What scrapers get to take the rest of their answers when the process ends. */
const graceMs = 1000;

export interface ServerOptions {
  /** A finished page, to be released by the server. */
  page(): Promise<Page>;
  readonly version: string;
  readonly log: ReaderLog;
  /** After how long without taking a byte a scraper is given up, so that it doesn't hold a page for ever; 60 s unless set. */
  readonly stalledMs?: number;
}

/** Scrapers come back after some 15 to 60 s, and a connection that is kept spares them a new one each time. */
const SERVER = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 120_000 };

/** The HTTP side of the Prometheus reader: /metrics, a landing page, and two paths for probes. */
export class PrometheusServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  /** Those that are not sent yet. */
  readonly #answers = new Set<ServerResponse>();
  #ready = false;
  #failing = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = createServer(SERVER, (request, response) => {
      this.#answers.add(response);
      response.once('close', () => this.#answers.delete(response));
      void this.#answer(request, response);
    });
    this.#server.timeout = options.stalledMs ?? 60_000;
  }

  /** Answers the metrics' URL. Rejects with MeterError('reader') where the address is used or not ours. */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(host, port, error)));
      this.#server.listen({ host, port }, resolve);
    });
    this.#server.removeAllListeners('error');
    this.#server.on('error', (error) => this.#options.log.warn(`Prometheus server: ${error.message}`));
    this.#ready = true;
    const address = this.#server.address() as AddressInfo;
    return `http://${urlHost(host === '' ? address.address : host)}:${address.port}/metrics`;
  }

  async close(): Promise<void> {
    this.#ready = false;
    if (!this.#server.listening) return;
    await this.#answersTaken();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /**
   * node:http takes a connection for idle when its answer has been handed over, though most of it may still wait for the
   * scraper, and closes it with the server. One that reads slowly must not hold up the end of the process.
   */
  async #answersTaken(): Promise<void> {
    const taken = [...this.#answers].map((answer) => new Promise((resolve) => answer.once('close', resolve)));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, graceMs);
    await Promise.race([Promise.all(taken), late]);
    clearTimeout(timer);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return send(response, 405, PLAIN, 'Only GET and HEAD are answered here.\n');
    }
    switch (path) {
      case '/metrics':
        return this.#metrics(request, response);
      case '/':
        return send(response, 200, 'text/html; charset=utf-8', landingPage(this.#options.version));
      case '/-/healthy':
        return send(response, 200, PLAIN, 'healthy\n');
      case '/-/ready':
        return this.#ready ? send(response, 200, PLAIN, 'ready\n') : send(response, 503, PLAIN, 'shutting down\n');
      default:
        return send(response, 404, PLAIN, 'Not found; the metrics are at /metrics.\n');
    }
  }

  async #metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let page: Page | undefined;
    try {
      page = await this.#options.page();
      const { text } = page;
      const compressed = acceptsGzip(request.headers['accept-encoding']);
      const body = compressed ? await page.gzipped() : text;
      // The scraper has gone; its close event has been, so that nothing would give the page back.
      if (response.destroyed) return;
      response.setHeader('vary', 'accept-encoding');
      if (compressed) response.setHeader('content-encoding', 'gzip');
      // What the socket has not sent yet is still read from the page's buffer, even after the process is done with it.
      if (!compressed) {
        const sent = page;
        sent.retain();
        response.once('close', () => sent.release());
      }
      send(response, 200, TEXT_FORMAT, body);
      if (this.#failing) this.#options.log.info('collection: works again');
      this.#failing = false;
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      if (!this.#failing) this.#options.log.warn(`collection: ${cause}`);
      this.#failing = true;
      if (!response.headersSent) send(response, 500, PLAIN, `The collection failed: ${cause}\n`);
    } finally {
      page?.release();
    }
  }
}

/** Node leaves the body of an answer to HEAD out by itself, but not its length. */
function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.statusCode = status;
  response.setHeader('content-type', type);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}

/** Whether an Accept-Encoding header takes gzip: RFC 9110 section 12.5.3, with `*` and quality values. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  let any = false;
  for (const part of String(header ?? '').split(',')) {
    const [coding, ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const quality = parameters.find((parameter) => /^q\s*=/.test(parameter));
    const wanted = quality === undefined || Number(quality.slice(quality.indexOf('=') + 1)) > 0;
    if (coding === 'gzip' || coding === 'x-gzip') return wanted;
    if (coding === '*') any = wanted;
  }
  return any;
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): MeterError {
  const subject = `Prometheus reader: ${urlHost(host)}:${port}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new MeterError('reader', `${subject}: the port is in use`, {
        cause,
        remedy: 'Stop what listens there (ss -ltnp shows it), or give another address with --prometheus HOST:PORT.',
      });
    case 'EACCES':
      return new MeterError('reader', `${subject}: no permission to listen there`, {
        cause,
        remedy: 'Take a port from 1024 up, or run as root.',
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new MeterError('reader', `${subject}: no address of this machine`, {
        cause,
        remedy: 'Give localhost, 0.0.0.0, [::] or an address that `ip address` lists.',
      });
    default:
      return new MeterError('reader', `${subject}: ${cause.message}`, { cause });
  }
}
