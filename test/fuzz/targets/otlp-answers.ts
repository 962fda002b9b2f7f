import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp2Server, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { OtlpGrpcConfig, OtlpHttpConfig } from '../../../src/config/exporter/configuration.ts';
import { exportErrorText } from '../../../src/readers/export-error.ts';
import { readResponse, readStatus, retryAfterMs } from '../../../src/readers/otlp/transports/answers.ts';
import { BackOff, LONGEST_ASKED_MS } from '../../../src/readers/otlp/transports/back-off.ts';
import { createGrpcTransport } from '../../../src/readers/otlp/transports/grpc.ts';
import { createHttpTransport } from '../../../src/readers/otlp/transports/http.ts';
import type { Answer } from '../../../src/readers/otlp/transports/transport.ts';
import { retryStatus } from '../../helpers/otlp-server.ts';
import { otlpConfig } from '../../readers/otlp/set-up.ts';
import type { Attempt } from '../attempt.ts';
import type { StartTarget } from '../target.ts';

/** Nothing here takes as long: who gets no answer within it has been left without one. */
const timeoutMs = 60_000;

const statuses = ['200', '202', '204', '301', '400', '413', '429', '502', '503', '599', '99', '0', '2000', 'x'];
const types = ['application/x-protobuf', 'application/x-protobuf; x=y', 'application/json', 'text/html', ''];
const waits = [
  ...[
    '0',
    '1',
    '-1',
    '007',
    '1.5',
    '1e9',
    '999999999999',
    '9'.repeat(400),
    '',
    'Wed, 21 Oct 2015 07:28:00 GMT',
    'soon',
  ],
  ...['Fri, 31 Dec 9999 23:59:59 GMT', '275761-01-01', '1 2', ' 3 ', '٣'],
];

/** Of protobuf that is right, damaged, or any bytes. */
function message(attempt: Attempt): Buffer {
  const partial = Buffer.concat([Buffer.from([8, attempt.below(128)]), Buffer.from([18, 3]), Buffer.from('why')]);
  const whole = attempt.onceIn(2)
    ? retryStatus(attempt.below(attempt.onceIn(2) ? 10 : 2 ** 31))
    : Buffer.concat([Buffer.from([10, partial.length]), partial]);
  const kind = attempt.below(4);
  if (kind === 0) return whole;
  if (kind === 1) return attempt.bytes(60);
  return Buffer.from(attempt.corrupt(whole, [[0, whole.length]]));
}

function httpAnswer(attempt: Attempt): Buffer {
  const body = message(attempt);
  const header = (name: string, values: readonly string[], times = 2) =>
    attempt.onceIn(times) ? `${name}: ${attempt.pick(values)}\r\n` : '';
  const lengths = [String(body.length), String(body.length), String(body.length), '0', '99999', '-1', 'x'];
  const head = [
    `HTTP/1.1 ${attempt.pick(statuses)} ${attempt.text(['OK', ' ', 'Nope'], 2).replaceAll(/[\r\n]/g, '')}\r\n`,
    header('Content-Type', types, 1),
    header('Retry-After', waits),
    header('Date', waits),
    header('Location', ['/', 'http://u:s3cr3t@a/', '\u001b[2J']),
    header('Content-Length', lengths, 1),
    header('Transfer-Encoding', ['chunked', 'x'], 8),
    header('Connection', ['close', 'upgrade'], 4),
    '\r\n',
  ];
  return Buffer.concat([Buffer.from(head.join(''), 'latin1'), body]);
}

/** What of a gRPC response each of its parts may say. */
function grpcAnswer(attempt: Attempt) {
  const status: OutgoingHttpHeaders = {
    ...(!attempt.onceIn(8) && {
      'grpc-status': attempt.pick(['0', '0', '1', '4', '8', '14', '16', '17', '-1', 'x', '']),
    }),
    ...(attempt.onceIn(2) && { 'grpc-message': attempt.pick(['', 'no', '%20', '%', '%zz', '%1b[2J', '%ff']) }),
    ...(attempt.onceIn(2) && { 'grpc-status-details-bin': message(attempt).toString('base64') }),
  };
  const length = Buffer.alloc(5);
  const data = message(attempt);
  length.writeUInt8(attempt.onceIn(8) ? attempt.below(3) : 0, 0);
  length.writeUInt32BE(attempt.onceIn(8) ? attempt.below(2 ** 32) : data.length, 1);
  return {
    headers: {
      ':status': attempt.onceIn(6) ? attempt.pick([200, 204, 404, 429, 503]) : 200,
      'content-type': attempt.onceIn(6)
        ? attempt.pick(['text/html', 'application/grpc+json', ''])
        : 'application/grpc+proto',
    },
    isTrailersOnly: attempt.onceIn(4),
    status,
    frame: attempt.onceIn(4) ? attempt.bytes(20) : Buffer.concat([length, data]),
    isReset: attempt.onceIn(20),
  };
}

type GrpcAnswer = ReturnType<typeof grpcAnswer>;

function respond(stream: ServerHttp2Stream, { headers, isTrailersOnly, status, frame, isReset }: GrpcAnswer): void {
  stream.on('error', () => {});
  if (isReset) stream.close(2);
  else if (isTrailersOnly) stream.respond({ ...headers, ...status }, { endStream: true });
  else {
    stream.respond(headers, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(status));
    stream.end(frame);
  }
}

function checkAnswer(answer: Answer): void {
  if (answer.accepted) {
    if (answer.rejected === undefined) return;
    assert.ok(answer.rejected.points >= 0, `${answer.rejected.points} points`);
    return;
  }
  assert.ok(answer.error instanceof Error && exportErrorText(answer.error) !== '');
  assert.ok(answer.errorType !== '' && answer.errorType !== 'ETIMEDOUT', answer.errorType);
  checkWait(answer.retryAfterMs);
}

function checkWait(wait: number | undefined): void {
  assert.ok(wait === undefined || wait >= 0, `${wait} ms`);
  const pause = new BackOff().next(wait);
  assert.ok(pause >= 800 && pause <= LONGEST_ASKED_MS, `${pause} ms`);
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Answers of receivers in any shape: each export ends with an answer that says what to do, and no pause is beyond its limits. */
export const start: StartTarget = async () => {
  let bytes: Buffer = Buffer.alloc(0);
  const http = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  });
  let answer: GrpcAnswer | undefined;
  const http2 = createHttp2Server();
  http2.on('stream', (stream: ServerHttp2Stream) => respond(stream, answer!));
  http2.on('session', (session) => session.on('error', () => {}));
  const httpUrl = `http://127.0.0.1:${await portOf(http)}/v1/metrics`;
  const grpcUrl = `http://127.0.0.1:${await portOf(http2 as unknown as Server)}`;
  const byHttp = createHttpTransport(otlpConfig('otlp_http', httpUrl).exporter as OtlpHttpConfig);
  const byGrpc = await createGrpcTransport(otlpConfig('otlp_grpc', grpcUrl).exporter as OtlpGrpcConfig);
  const request = Buffer.from([10, 0]);
  return {
    async attempt(attempt) {
      const part = message(attempt);
      const points = readResponse(part)?.points ?? 0;
      assert.ok(points >= 0 && !Number.isNaN(points), `${points} points`);
      checkWait(readStatus(part).retryAfterMs);
      checkWait(retryAfterMs(attempt.pick(waits), attempt.onceIn(2) ? attempt.pick(waits) : undefined));
      let said: Answer;
      if (attempt.onceIn(2)) {
        bytes = httpAnswer(attempt);
        attempt.input = bytes.toString('latin1');
        said = await byHttp.send(request, timeoutMs);
      } else {
        answer = grpcAnswer(attempt);
        attempt.input = JSON.stringify({ ...answer, frame: answer.frame.toString('hex') });
        said = await byGrpc.send(request, timeoutMs);
      }
      checkAnswer(said);
      return said.accepted ? 'taken' : 'refused';
    },
    async close() {
      byHttp.close();
      byGrpc.close();
      http.close();
      http2.close();
    },
  };
};
