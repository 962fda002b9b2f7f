import type { IncomingMessage, ServerResponse } from 'node:http';
import { Exchange } from '../../src/readers/prometheus/http/exchange.ts';

/** An exchange without a connection, which is over as soon as it is broken off. */
export class FakeExchange extends Exchange {
  constructor(client: string) {
    super({} as IncomingMessage, { headersSent: false } as ServerResponse, client);
  }

  override breakOff(): void {
    this.end();
  }
}
