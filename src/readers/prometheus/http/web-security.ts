import { constants } from 'node:crypto';
import { statSync } from 'node:fs';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { type Pem, readWebConfig, type WebConfig, type WebTls } from '../../../config/exporter/web-file.ts';
import { ConfigError } from '../../../config/yaml/diagnostic.ts';
import { MeterError } from '../../../errors.ts';
import { readUserFile } from '../../../user-file.ts';
import type { ReaderLog } from '../../reader.ts';
import { RecurringErrors } from '../../recurring-errors.ts';
import { type Admission, BasicAuth } from './basic-auth.ts';
import { clientIsWelcome } from './client-certificate.ts';
import type { Exchange } from './exchange.ts';
import { RateLimiter } from './rate-limiter.ts';

/** What a client gets to agree on encryption. */
const HANDSHAKE_MS = 10_000;

/** A web configuration with the files that it names. */
interface Loaded {
  readonly config: WebConfig;
  readonly context: SecureContextOptions | undefined;
  readonly limiter: RateLimiter | undefined;
  /** What in it does nothing, each with its place. */
  readonly warnings: readonly string[];
}

/** Who may connect and ask, by a web configuration that is read again whenever one of its files changes. */
export class WebSecurity {
  readonly #file: string;
  readonly #auth = new BasicAuth();
  readonly #troubles: RecurringErrors;
  readonly #log: ReaderLog;
  #files: readonly string[];
  #state: string;
  #loaded: Loaded;
  #server: HttpsServer | undefined;

  private constructor(file: string, log: ReaderLog) {
    this.#file = file;
    this.#log = log;
    this.#troubles = new RecurringErrors(log, 'web configuration, going on with what it was');
    this.#state = stateOf([file]);
    this.#loaded = load(file);
    this.#files = filesOf(file, this.#loaded.config);
    this.#state = stateOf(this.#files);
  }

  /** Throws ConfigError, or MeterError('config') where the file can't be read. */
  static load(file: string, log: ReaderLog): WebSecurity {
    return new WebSecurity(file, log);
  }

  /** What in the file does nothing, one line each. Throws as `load` does. */
  static check(file: string): readonly string[] {
    return load(file).warnings;
  }

  /** Undefined: plain HTTP. */
  get tls(): WebTls | undefined {
    return this.#loaded.config.tls;
  }

  /** Added to every answer. */
  get headers(): ReadonlyMap<string, string> {
    return this.#loaded.config.headers;
  }

  /** A server for HTTPS; only where `tls` is there. */
  async createServer(options: ServerOptions, listener: RequestListener): Promise<Server> {
    const { createServer } = await import('node:https');
    const settings = { ...options, ...this.#loaded.context, handshakeTimeout: HANDSHAKE_MS, rejectUnauthorized: false };
    const server = createServer(settings, listener);
    this.#server = server;
    this.#askForCertificates();
    // In front of those that begin the handshake and read the request.
    server.prependListener('connection', () => this.refresh());
    server.prependListener('secureConnection', (socket: TLSSocket) => {
      const { clientAuth, allowedSans } = this.tls!;
      if (!clientIsWelcome(socket, clientAuth, allowedSans)) socket.destroy();
    });
    return server;
  }

  /** Reads again what has changed; what is wrong then is logged, and nothing changes. */
  refresh(): void {
    const state = stateOf(this.#files);
    if (state === this.#state) return;
    this.#state = state;
    try {
      const loaded = load(this.#file);
      if ((loaded.context === undefined) !== (this.#loaded.context === undefined)) {
        const change = loaded.context === undefined ? 'is gone' : 'is new';
        throw new MeterError('config', `${this.#file}: "tls_server_config" ${change}, which takes a restart`);
      }
      this.#loaded = loaded;
      this.#files = filesOf(this.#file, loaded.config);
      // Files that were not watched before.
      this.#state = stateOf(this.#files);
      if (loaded.context !== undefined) this.#server?.setSecureContext(loaded.context);
      this.#askForCertificates();
      this.#troubles.report([]);
      this.#log.info(`web configuration: ${this.#file}: read again`);
      for (const warning of loaded.warnings) this.#log.warn(warning);
    } catch (error) {
      this.#troubles.report([error]);
    }
  }

  /** Whether a request may be answered. */
  async admit({ request, client, signal }: Exchange): Promise<Admission | 'rate_limit'> {
    const { config, limiter } = this.#loaded;
    if (limiter?.take() === false) return 'rate_limit';
    if (config.users.size === 0) return 'admitted';
    return await this.#auth.admit(request.headers.authorization, config.users, client, signal);
  }

  close(): Promise<void> {
    return this.#auth.close();
  }

  /** tls.Server looks at this property at each connection; setSecureContext doesn't know it. */
  #askForCertificates(): void {
    const { tls } = this;
    if (this.#server === undefined || tls === undefined) return;
    Object.assign(this.#server, { requestCert: tls.clientAuth !== 'NoClientCert' });
  }
}

/** Throws ConfigError, or MeterError('config') where the file can't be read. */
function load(file: string): Loaded {
  let text: string;
  try {
    text = readUserFile(file).toString('utf8');
  } catch (cause) {
    throw new MeterError('config', `${file}: ${readCause(cause)}`, {
      cause,
      remedy:
        'The web configuration is named by --web.config.file, or distribution.ebpf_meter.prometheus.web_config_file.',
    });
  }
  const { config, errors, warnings } = readWebConfig(text, file);
  if (config === undefined) throw new ConfigError(errors);
  const context = config.tls && contextOf(config.tls);
  return {
    config,
    context,
    limiter: config.rateLimit && new RateLimiter(config.rateLimit),
    warnings: warnings.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`),
  };
}

function contextOf(tls: WebTls): SecureContextOptions {
  const options: SecureContextOptions = {
    cert: readPem(tls.cert),
    key: readPem(tls.key),
    ...(tls.clientCa && { ca: readPem(tls.clientCa) }),
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
    ...(tls.ciphers && { ciphers: tls.ciphers }),
    ...(tls.curves && { ecdhCurve: tls.curves }),
    honorCipherOrder: tls.preferServerCiphers,
    // A session that is taken up again would not show its certificate, and outlive a change of the authorities.
    ...(tls.clientAuth !== 'NoClientCert' && { secureOptions: constants.SSL_OP_NO_TICKET }),
  };
  try {
    createSecureContext({ ...options, ca: undefined });
  } catch (error) {
    throw wrong(tls.cert, `certificate and key: ${(error as Error).message}`);
  }
  if (tls.clientCa === undefined) return options;
  try {
    createSecureContext(options);
  } catch (error) {
    throw wrong(tls.clientCa, `"client_ca_file": ${(error as Error).message}`);
  }
  return options;
}

function readPem(pem: Pem): string {
  if (pem.file === undefined) return pem.text!;
  let text: string;
  try {
    text = readUserFile(pem.file).toString('utf8');
  } catch (error) {
    throw wrong(pem, `"${pem.file}": ${readCause(error)}`);
  }
  if (!text.includes('-----BEGIN ')) throw wrong(pem, `"${pem.file}": it is no PEM file`);
  return text;
}

function wrong({ at }: Pem, message: string): ConfigError {
  return new ConfigError([{ ...at, message, severity: 'error' }]);
}

function readCause(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'no such file' : message;
}

function filesOf(file: string, { tls }: WebConfig): readonly string[] {
  return [file, ...[tls?.cert.file, tls?.key.file, tls?.clientCa?.file].filter((name) => name !== undefined)];
}

/** Changes when one of the files does, or leads to another one. */
function stateOf(files: readonly string[]): string {
  return files
    .map((file) => {
      try {
        const { ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
        return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      } catch {
        return '';
      }
    })
    .join();
}
