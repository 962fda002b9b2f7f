import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PageSyntax } from '../../config/exporter.ts';
import { MeterError } from '../../errors.ts';
import type { ScrapeRejection, Tallies } from '../../metrics/tallies.ts';
import type { ReaderLog } from '../reader.ts';
import type { PageFormat } from './format.ts';
import { landingPage } from './landing-page.ts';
import type { Page } from './page.ts';
import { Scrapes } from './scrapes.ts';
import { PLAIN, send } from './send.ts';
import type { WebSecurity } from './web-security.ts';

/** What scrapers get to take the rest of their answers when the process ends. */
const graceMs = 1000;

export interface ServerOptions {
  /** A finished page, to be released by the server. */
  page(format: PageFormat): Promise<Page>;
  readonly version: string;
  readonly log: ReaderLog;
  readonly health: { readonly tallies: Tallies };
  /** See PrometheusReaderConfig. */
  readonly webConfigFile?: string;
  readonly maxScrapes?: number;
  readonly path?: string;
  readonly formats?: readonly PageSyntax[];
  /** After how long without taking a byte a scraper is given up, so that it doesn't hold a page for ever; 60 s unless set. */
  readonly stalledMs?: number;
  /** Connections at once, 1,000 unless set. */
  readonly maxConnections?: number;
  /** What a client gets to send its request's head, 10 s unless set. */
  readonly headersTimeoutMs?: number;
}

/**
 * Scrapers come back after some 15 to 60 s, and a connection that is kept spares them a new one each time. Whoever sends
 * slowly is cut off within a second after its time; a head of more than 8 KiB is answered with 431.
 */
const SERVER = {
  requestTimeout: 20_000,
  keepAliveTimeout: 120_000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 8192,
};

/** What fails is logged with its own cause. */
const causes: Readonly<Record<Exclude<ScrapeRejection, 'failed'>, string>> = {
  overload: 'too many scrapes at once: some are answered with 503',
  timeout: 'scrapes take longer than their scrapers wait: these are answered with 503, or broken off',
  unauthorized: 'somebody asks without a right user and password, and is answered with 401',
  rate_limit: 'more requests than rate_limit of the web configuration lets through: some are answered with 429',
  connections: 'too many connections: some are closed at once',
};

/** The HTTP side of the Prometheus reader: /metrics, or the path that is configured, a landing page, and two paths for probes. */
export class PrometheusServer {
  readonly #options: ServerOptions;
  readonly #path: string;
  readonly #scrapes: Scrapes;
  /** Those that are not sent yet. */
  readonly #answers = new Set<ServerResponse>();
  readonly #rejected = new Set<ScrapeRejection>();
  #security: WebSecurity | undefined;
  #server: Server | undefined;
  #ready = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#path = options.path ?? '/metrics';
    const { page, log, maxScrapes, formats } = options;
    this.#scrapes = new Scrapes({ page, log, maxScrapes, formats, rejected: (reason) => this.#reject(reason) });
  }

  /**
   * Answers the metrics' URL. Rejects with MeterError('reader') where the address is used or not ours, with
   * MeterError('config') where the web configuration can't be used.
   */
  async listen(host: string, port: number): Promise<string> {
    const server = await this.#create();
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(host, port, error)));
      server.listen({ host, port }, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', (error) => this.#options.log.warn(`Prometheus server: ${error.message}`));
    this.#ready = true;
    const address = server.address() as AddressInfo;
    const scheme = this.#security?.tls === undefined ? 'http' : 'https';
    return `${scheme}://${urlHost(host === '' ? address.address : host)}:${address.port}${this.#path}`;
  }

  async close(): Promise<void> {
    this.#ready = false;
    const server = this.#server;
    if (server?.listening) {
      await this.#answersTaken();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    }
    await this.#security?.close();
  }

  async #create(): Promise<Server> {
    const { webConfigFile, log, stalledMs = 60_000, maxConnections = 1000, headersTimeoutMs = 10_000 } = this.#options;
    const options = { ...SERVER, headersTimeout: headersTimeoutMs };
    if (webConfigFile !== undefined) {
      const { WebSecurity } = await import('./web-security.ts');
      this.#security = WebSecurity.load(webConfigFile, log);
    }
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      this.#answers.add(response);
      response.once('close', () => this.#answers.delete(response));
      this.#admit(request, response).catch((error) => this.#scrapes.fail(response, error));
    };
    const server =
      this.#security?.tls === undefined
        ? createServer(options, answer)
        : await this.#security.createServer(options, answer);
    server.timeout = stalledMs;
    server.maxConnections = maxConnections;
    server.on('drop', () => this.#reject('connections'));
    return server;
  }

  /** Counts, and logs the first of each kind. */
  #reject(reason: ScrapeRejection): void {
    this.#options.health.tallies.scrapeRejected(reason);
    if (reason === 'failed' || this.#rejected.has(reason)) return;
    this.#rejected.add(reason);
    this.#options.log.warn(`Prometheus server: ${causes[reason]}`);
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

  async #admit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const security = this.#security;
    if (security !== undefined) {
      security.refresh();
      for (const [name, value] of security.headers) response.setHeader(name, value);
      const admission = await security.admit(request);
      // It has gone in the meantime.
      if (response.destroyed) return;
      switch (admission) {
        case 'unauthorized':
          this.#reject('unauthorized');
          response.setHeader('www-authenticate', 'Basic');
          return send(response, 401, PLAIN, 'Unauthorized\n');
        case 'rate_limit':
          this.#reject('rate_limit');
          return send(response, 429, PLAIN, 'Too many requests\n');
        case 'busy':
          this.#reject('overload');
          response.setHeader('retry-after', '1');
          return send(response, 503, PLAIN, 'Too many passwords are being checked already; try again.\n');
        case 'admitted':
      }
    }
    await this.#answer(request, response);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return send(response, 405, PLAIN, 'Only GET and HEAD are answered here.\n');
    }
    switch (path) {
      case this.#path:
        return this.#scrapes.answer(request, response);
      case '/':
        return send(response, 200, 'text/html; charset=utf-8', landingPage(this.#options.version, this.#path));
      case '/-/healthy':
        return send(response, 200, PLAIN, 'healthy\n');
      case '/-/ready':
        return this.#ready ? send(response, 200, PLAIN, 'ready\n') : send(response, 503, PLAIN, 'shutting down\n');
      default:
        return send(response, 404, PLAIN, `Not found; the metrics are at ${this.#path}.\n`);
    }
  }
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
