import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ScrapeRejection } from '../../../metrics/tallies.ts';
import { clientOf } from './client.ts';
import { Exchange } from './exchange.ts';

/** Requests that a connection may send ahead of their answers. Scrapers send none ahead, and each costs memory. */
const MOST_PIPELINED = 10;

interface ConnectionsOptions {
  /** Connections at once, and those of one client. */
  readonly most: number;
  readonly mostPerClient: number;
  rejected(reason: ScrapeRejection): void;
}

interface Client {
  readonly name: string;
  connections: number;
}

interface Connection {
  readonly client: Client;
  socket: Socket;
  readonly exchanges: Set<Exchange>;
  /** The last time at which it began to wait for a request, on the clock of performance.now(). */
  idleSince: number;
}

/**
 * The connections of a server and what is asked on them. At a limit a new one takes the place of one that nobody needs:
 * of the client that has the most of them, that which has been idle for longest; it has sent no whole request, or was
 * answered. Where none is idle, that which takes its page for longest. So nobody keeps others out by keeping connections.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  /** By both ends' addresses, which a TCP connection and the encrypted one on it have in common. */
  readonly #connections = new Map<string, Connection>();
  readonly #clients = new Map<string, Client>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** A new connection, before anything is read from it. */
  accept(socket: Socket): void {
    const key = ends(socket);
    const name = clientOf(socket.remoteAddress ?? '');
    const client = this.#clients.get(name) ?? { name, connections: 0 };
    const isReset = key === undefined;
    if (isReset || !this.#makeRoom(client)) {
      if (!isReset) this.#options.rejected('connections');
      // After those who also listen for new connections have seen it.
      process.nextTick(() => socket.destroy());
      return;
    }
    const connection = { client, socket, exchanges: new Set<Exchange>(), idleSince: performance.now() };
    this.#connections.set(key, connection);
    this.#clients.set(name, client);
    client.connections++;
    socket.once('close', () => {
      this.#remove(key, connection);
      // Node 24.0 to 24.14 says nothing of answers that wait for others on their connection.
      for (const exchange of connection.exchanges) exchange.end();
    });
  }

  /** The same connection has been encrypted. */
  encrypted(socket: Socket): void {
    const connection = this.#find(socket);
    if (connection !== undefined) connection.socket = socket;
  }

  /** A request has come. Undefined where nothing is to be answered, since the connection is closed. */
  exchange(request: IncomingMessage, response: ServerResponse): Exchange | undefined {
    const connection = this.#find(request.socket);
    if (connection === undefined || request.socket.destroyed) return undefined;
    const { client, exchanges } = connection;
    if (exchanges.size >= MOST_PIPELINED) {
      this.#options.rejected('overload');
      request.socket.destroy();
      return undefined;
    }
    const exchange = new Exchange(request, response, client.name);
    exchanges.add(exchange);
    response.once('close', () => {
      exchanges.delete(exchange);
      connection.idleSince = performance.now();
      exchange.end();
    });
    return exchange;
  }

  #find(socket: Socket): Connection | undefined {
    const key = ends(socket);
    return key === undefined ? undefined : this.#connections.get(key);
  }

  /** Whether there is room for one more connection of this client, now at least. */
  #makeRoom(client: Client): boolean {
    const { most, mostPerClient, rejected } = this.#options;
    const isFull = this.#connections.size >= most;
    if (!isFull && client.connections < mostPerClient) return true;
    let key: string | undefined;
    let given: Connection | undefined;
    for (const [each, connection] of this.#connections) {
      // Nobody is closed for a client that has more connections already.
      const isCandidate =
        client.connections < mostPerClient
          ? connection.client.connections >= client.connections
          : connection.client === client;
      if (!isCandidate || !isNeedless(connection) || (given !== undefined && !isBefore(connection, given))) continue;
      key = each;
      given = connection;
    }
    if (key === undefined || given === undefined) return false;
    rejected('connections');
    given.socket.destroy();
    this.#remove(key, given);
    return true;
  }

  /** It may have been removed before it was closed. */
  #remove(key: string, connection: Connection): void {
    if (this.#connections.get(key) !== connection) return;
    this.#connections.delete(key);
    if (--connection.client.connections === 0) this.#clients.delete(connection.client.name);
  }
}

/** Undefined where the connection is gone. */
function ends({ localAddress, remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${localAddress} ${remoteAddress} ${remotePort}`;
}

function isNeedless({ exchanges }: Connection): boolean {
  for (const { sendingSince } of exchanges) if (sendingSince === undefined) return false;
  return true;
}

/** Whether `a` is closed rather than `b`. */
function isBefore(a: Connection, b: Connection): boolean {
  const isIdle = a.exchanges.size === 0;
  if (isIdle !== (b.exchanges.size === 0)) return isIdle;
  const more = a.client.connections - b.client.connections;
  return more > 0 || (more === 0 && waitsSince(a) < waitsSince(b));
}

function waitsSince({ exchanges, idleSince }: Connection): number {
  const [first] = exchanges;
  return first?.sendingSince ?? idleSince;
}
