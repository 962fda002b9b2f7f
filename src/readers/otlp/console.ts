import { requestJson } from './json.ts';
import type { Transport } from './transport.ts';

/** Prints requests to standard output, each as one line of OTLP/JSON, for a look at what would be pushed. */
export function createConsoleTransport(print: (line: string) => void = (line) => console.log(line)): Transport {
  return {
    async send(request) {
      print(JSON.stringify(requestJson(request)));
      return { accepted: true, rejected: undefined };
    },
    probe: async () => ({ accepted: true, rejected: undefined }),
    close() {},
  };
}
