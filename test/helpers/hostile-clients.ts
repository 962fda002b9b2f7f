// node hostile-clients.ts HOST PORT ADDRESS, the last its own: keeps slow readers and idle connections open until it is
// killed, and says when all are.
import { once } from 'node:events';
import { connect, type OnReadOpts, type Socket } from 'node:net';

const [host, port, localAddress] = [process.argv[2]!, Number(process.argv[3]), process.argv[4]!];

async function open(request: string, onread?: OnReadOpts): Promise<Socket> {
  const socket = connect({ host, port, localAddress, ...(onread && { onread }) });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(request);
  return socket;
}

// More than there are slots; each has its answer's beginning, and then takes a little again and again.
for (let reader = 0; reader < 47; reader++) {
  const begun = Promise.withResolvers<void>();
  const callback = () => {
    begun.resolve();
    // No more is read before it is resumed.
    return false;
  };
  const socket = await open('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n', { buffer: Buffer.alloc(200), callback });
  await begun.promise;
  setInterval(() => socket.resume(), 1000);
}
// More than one address may have, silent or with half a request.
for (let connection = 0; connection < 263; connection++) await open(connection % 2 === 0 ? '' : 'GET /metr');
process.stdout.write('open\n');
