import { type WriteError, writerTo } from '../../../write-all.ts';
import { requestJson } from '../encoding/json.ts';
import type { Answer, Transport } from './transport.ts';

/** What reads the lines may be slow; nothing else happens meanwhile. */
const PATIENCE_MS = 1000;

/** Prints requests to standard output, each as one line of OTLP/JSON, for a look at what would be pushed. */
export function createConsoleTransport(print: (text: string) => void = writerTo(1, PATIENCE_MS)): Transport {
  let isTorn = false;

  const write = (request: Uint8Array): Answer => {
    try {
      print(`${isTorn ? '\n' : ''}${JSON.stringify(requestJson(request))}\n`);
      isTorn = false;
      return { accepted: true, rejected: undefined };
    } catch (error) {
      const { code, written = 0 } = error as WriteError;
      isTorn ||= written > 0;
      return {
        accepted: false,
        error: error as Error,
        errorType: code ?? '_OTHER',
        retryable: false,
        answered: true,
        unclear: false,
        tooLarge: false,
        retryAfterMs: undefined,
      };
    }
  };
  return {
    send: async (request) => write(request),
    probe: async () => ({ accepted: true, rejected: undefined }),
    close() {},
  };
}
