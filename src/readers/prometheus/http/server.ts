import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { PageSyntax } from '../../../config/exporter/configuration.ts';
import { MeterError } from '../../../errors.ts';
import type { ScrapeRejection, Tallies } from '../../../metrics/tallies.ts';
import type { ReaderLog } from '../../reader.ts';
import type { PageFormat } from '../page/format.ts';
import type { Page } from '../page/page.ts';
import { Connections } from './connections.ts';
import type { Exchange } from './exchange.ts';
import { landingPage } from './landing-page.ts';
import { requestPath } from './request-path.ts';
import { Scrapes, scrapeTimeoutMs } from './scrapes.ts';
import { PLAIN, send } from './send.ts';
import type { WebSecurity } from './web-security.ts';

/** What scrapers get to take the rest of their answers when the process ends. */
const graceMs = 1000;

/** What an answer may take at most, whatever the scraper says that it waits. */
const longestAnswerMs = 300_000;

const probes: readonly string[] = ['/-/healthy', '/-/ready'];

export interface ServerOptions {
  /** A finished page, to be released by the server. */
  page(format: PageFormat, signal: AbortSignal): Promise<Page>;
  readonly version: string;
  readonly log: ReaderLog;
  readonly health: { readonly tallies: Tallies };
  /** See PrometheusReaderConfig. */
  readonly webConfigFile?: string;
  readonly maxScrapes?: number;
  readonly authenticateProbes?: boolean;
  readonly path?: string;
  readonly formats?: readonly PageSyntax[];
  /** From a request's head to the last byte of its answer that is taken, where the scraper says nothing; 60 s unless set. */
  readonly answerMs?: number;
  /** See ScrapesOptions. */
  readonly maxHeldBytes?: number;
  /** Connections at once, 1,000 unless set. */
  readonly maxConnections?: number;
  /** Of one client; 250 unless set. */
  readonly maxClientConnections?: number;
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
  connections: 'too many connections: those that are idle for longest are closed, or new ones at once',
  slow: 'scrapers take their pages too slowly, or too many do so at once: some are broken off',
};

/** The HTTP side of the Prometheus reader: /metrics, or the path that is configured, a landing page, and two paths for probes. */
export class PrometheusServer {
  readonly #options: ServerOptions;
  readonly #path: string;
  readonly #scrapes: Scrapes;
  readonly #connections: Connections;
  /** Those that are not taken yet. */
  readonly #exchanges = new Set<Exchange>();
  readonly #rejected = new Set<ScrapeRejection>();
  #security: WebSecurity | undefined;
  #server: Server | undefined;
  #ready = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#path = options.path ?? '/metrics';
    const { page, log, maxScrapes, maxHeldBytes, formats } = options;
    const { maxConnections: most = 1000, maxClientConnections: mostPerClient = 250 } = options;
    const rejected = (reason: ScrapeRejection) => this.#reject(reason);
    this.#scrapes = new Scrapes({ page, log, maxScrapes, maxHeldBytes, formats, rejected });
    this.#connections = new Connections({ most, mostPerClient, rejected });
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
    const { webConfigFile, log, headersTimeoutMs = 10_000 } = this.#options;
    const options = { ...SERVER, headersTimeout: headersTimeoutMs };
    if (webConfigFile !== undefined) {
      const { WebSecurity } = await import('./web-security.ts');
      this.#security = WebSecurity.load(webConfigFile, log);
    }
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      const exchange = this.#connections.exchange(request, response);
      if (exchange !== undefined) this.#take(exchange).catch((error) => this.#scrapes.fail(exchange, error));
    };
    const server =
      this.#security?.tls === undefined
        ? createServer(options, answer)
        : await this.#security.createServer(options, answer);
    server.prependListener('connection', (socket: Socket) => this.#connections.accept(socket));
    server.prependListener('secureConnection', (socket: Socket) => this.#connections.encrypted(socket));
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
    const taken = [...this.#exchanges].map((exchange) => new Promise<void>((resolve) => exchange.whenOver(resolve)));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, graceMs);
    await Promise.race([Promise.all(taken), late]);
    clearTimeout(timer);
  }

  async #take(exchange: Exchange): Promise<void> {
    this.#exchanges.add(exchange);
    exchange.whenOver(() => this.#exchanges.delete(exchange));
    this.#setDeadline(exchange);
    const { request, response } = exchange;
    const path = requestPath(request.url ?? '/');
    const security = this.#security;
    if (security !== undefined) {
      security.refresh();
      for (const [name, value] of security.headers) response.setHeader(name, value);
      const isFree = probes.includes(path ?? '') && this.#options.authenticateProbes !== true;
      if (!isFree && !(await this.#admit(security, exchange))) return;
    }
    await this.#answer(exchange, path);
  }

  /** The whole answer has a deadline: one that is taken byte by byte would else never end. */
  #setDeadline(exchange: Exchange): void {
    const { request, response } = exchange;
    const asked = scrapeTimeoutMs(request.headers['x-prometheus-scrape-timeout-seconds']);
    const { answerMs = 60_000 } = this.#options;
    const ms = Math.min(asked ?? answerMs, longestAnswerMs);
    const late = () => {
      this.#reject(asked === ms || exchange.sendingSince === undefined ? 'timeout' : 'slow');
      if (response.headersSent) return exchange.breakOff();
      send(response, 503, PLAIN, 'The scraper would not have waited for the answer any longer.\n');
      // Even that may not be taken.
      timer = setTimeout(() => exchange.breakOff(), answerMs);
    };
    let timer = setTimeout(late, ms);
    exchange.whenOver(() => clearTimeout(timer));
  }

  /** Whether it may be answered; it has been where not. */
  async #admit(security: WebSecurity, exchange: Exchange): Promise<boolean> {
    const { response } = exchange;
    const admission = await security.admit(exchange);
    // It has gone in the meantime, or had to wait for too long.
    if (!exchange.isOpen) return false;
    switch (admission) {
      case 'unauthorized':
        this.#reject('unauthorized');
        response.setHeader('www-authenticate', 'Basic');
        send(response, 401, PLAIN, 'Unauthorized\n');
        return false;
      case 'rate_limit':
        this.#reject('rate_limit');
        send(response, 429, PLAIN, 'Too many requests\n');
        return false;
      case 'busy':
        this.#reject('overload');
        response.setHeader('retry-after', '1');
        send(response, 503, PLAIN, 'Too many passwords are being checked already; try again.\n');
        return false;
      case 'admitted':
        return true;
    }
  }

  async #answer(exchange: Exchange, path: string | undefined): Promise<void> {
    const { request, response } = exchange;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return send(response, 405, PLAIN, 'Only GET and HEAD are answered here.\n');
    }
    switch (path) {
      case undefined:
        return send(response, 400, PLAIN, 'The request names no path, or one that is not percent-encoded UTF-8.\n');
      case this.#path:
        return this.#scrapes.answer(exchange);
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
