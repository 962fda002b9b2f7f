import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { PrometheusReaderConfig } from '../../../src/config/exporter/configuration.ts';
import { Clock } from '../../../src/metrics/clock.ts';
import { Store } from '../../../src/metrics/store.ts';
import { PrometheusServer } from '../../../src/readers/prometheus/http/server.ts';
import { negotiateFormat, textFormat } from '../../../src/readers/prometheus/page/format.ts';
import { Page } from '../../../src/readers/prometheus/page/page.ts';
import { PageBuffer, PagePool } from '../../../src/readers/prometheus/page/page-buffer.ts';
import { PrometheusReader } from '../../../src/readers/prometheus/reader.ts';
import { counter, FakeMap, fakeReaders, NO_FACTS, programPlan, tablePlan } from '../../helpers/fake-maps.ts';
import { FakeStore } from '../../helpers/fake-rows.ts';
import { decodeFamilies } from '../../helpers/metric-families.ts';
import { fakeContext, provide } from '../../helpers/reader-context.ts';
import { localReader } from '../../helpers/serving.ts';

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

const providers: MeterProvider[] = [];
afterEach(async () => {
  await Promise.all(providers.splice(0).map((provider) => provider.shutdown()));
});

async function start(map: FakeMap, config: Partial<PrometheusReaderConfig> = {}) {
  const plan = tablePlan('events', ['key'], 1, [counter('ebpf.events')]);
  const program = {
    plan: programPlan('test', [plan]),
    readers: fakeReaders([map]),
    startTime: [1, 0] as [number, number],
  };
  const clock = new Clock();
  let held = 0;
  const hold = () => {
    held++;
    return store.hold();
  };
  const { context, lines, tallies } = fakeContext({ clock, read: () => store.read(), hold });
  const store: Store = new Store([program], NO_FACTS, tallies, undefined, [{}], clock);
  const reader = new PrometheusReader({ ...localReader, ...config }, { ...context, tables: store.tables });
  const url = await reader.listen();
  const provider = provide([reader], context.health);
  providers.push(provider);
  return { url, lines, reader, provider, meter: provider.getMeter('own'), holds: () => held };
}

function fetchPage(url: string, options: { path?: string; method?: string; headers?: Record<string, string> } = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const target = options.path === undefined ? url : new URL(options.path, url);
    const call = request(target, { method: options.method ?? 'GET', headers: options.headers ?? {} }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end();
  });
}

/** So many series that a page is larger than what sockets buffer. */
function bigMap(): FakeMap {
  const map = new FakeMap('events', 4, 8);
  for (let key = 0; key < 200_000; key++) map.set([key], [0]);
  return map;
}

/** All counters of the page; throws where it isn't whole. */
function countersOf(body: Buffer): Set<string> {
  const lines = body
    .toString()
    .split('\n')
    .filter((line) => line.startsWith('ebpf_events_total{'));
  assert.equal(lines.length, 200_000);
  return new Set(lines.map((line) => line.split(' ')[1]!));
}

describe('PrometheusReader', () => {
  it('serves map-fed series, own instruments and target_info in one page', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([3], [23]);
    const { url, meter } = await start(map);
    meter.createCounter('own.work', { unit: 's', description: 'Work' }).add(1.5, { 'error.type': 'none' });
    const { status, headers, body } = await fetchPage(url);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(Number(headers['content-length']), body.length);
    const text = body.toString();
    assert.match(text, /^ebpf_events_total\{key="3"\} 23$/m);
    assert.match(text, /^# TYPE own_work_seconds_total counter$/m);
    assert.match(text, /^own_work_seconds_total\{error_type="none"\} 1\.5$/m);
    assert.match(text, /^target_info\{service_name="test",host_name="here"\} 1$/m);
    assert.match(text, /\n$/);
    assert.doesNotMatch(text, /UNIT|otel_scope|\n\n/);
  });

  it('leaves target_info out and puts the scope on every line where the configuration says so', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([3], [23]);
    const { url } = await start(map, { targetInfo: false, scopeInfo: true });
    const text = (await fetchPage(url)).body.toString();
    assert.doesNotMatch(text, /target_info/);
    assert.match(text, /^ebpf_events_total\{key="3",otel_scope_name="ebpf-meter",otel_scope_version="1\.2\.3"\} 23$/m);
  });

  it('adds no suffixes to anything where the strategy says so', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([3], [23]);
    const { url, meter } = await start(map, { translation: 'underscore_escaping_without_suffixes' });
    meter.createCounter('own.work', { unit: 's' }).add(1);
    meter.createCounter('own.total').add(2);
    meter.createCounter('own.runs_total').add(3);
    const text = (await fetchPage(url)).body.toString();
    assert.match(text, /^ebpf_events\{key="3"\} 23$/m);
    assert.match(text, /^# TYPE own_work counter\nown_work 1$/m);
    assert.match(text, /^# TYPE own_total counter\nown_total 2$/m);
    assert.match(text, /^# TYPE own_runs_total counter\nown_runs_total 3$/m);
  });

  it('compresses the same page for those who take gzip', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([3], [23]);
    const { url } = await start(map);
    const { headers, body } = await fetchPage(url, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(headers['content-encoding'], 'gzip');
    assert.equal(headers.vary, 'accept, accept-encoding');
    assert.match(gunzipSync(body).toString(), /^ebpf_events_total\{key="3"\} 23$/m);
  });

  it('reads the maps once for scrapes that come together, again for the next', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([3], [1]);
    const { reader } = await start(map);
    const pages = await Promise.all([reader.page(textFormat), reader.page(textFormat), reader.page(textFormat)]);
    assert.equal(map.reads, 1);
    assert.equal(new Set(pages).size, 1);
    for (const page of pages) page.release();
    map.set([3], [2]);
    const next = await reader.page(textFormat);
    assert.match(next.bytes.toString(), /^ebpf_events_total\{key="3"\} 2$/m);
    assert.equal(map.reads, 2);
    next.release();
  });

  it('makes no page for those who have gone while the maps were read', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([3], [23]);
    const { reader, holds } = await start(map);
    const gone = new AbortController();
    const pages = Promise.allSettled([1, 2, 3].map(() => reader.page(textFormat, gone.signal)));
    // The reading has been asked for, and comes in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    gone.abort();
    for (const { status } of await pages) assert.equal(status, 'rejected');
    assert.equal(map.reads, 1);
    assert.equal(holds(), 0);
    const page = await reader.page(textFormat, new AbortController().signal);
    assert.match(page.bytes.toString(), /^ebpf_events_total\{key="3"\} 23$/m);
    assert.equal(holds(), 1);
    page.release();
  });

  it('makes one page per format of a reading, and compresses each once', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([3], [23]);
    const { url, reader } = await start(map);
    const kinds = [
      { accept: 'text/plain' },
      { accept: 'application/openmetrics-text;version=1.0.0', 'accept-encoding': 'zstd' },
      { accept: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited' },
    ];
    const [text, open, proto] = await Promise.all(kinds.map((headers) => fetchPage(url, { headers })));
    assert.match(text!.body.toString(), /^ebpf_events_total\{key="3"\} 23$/m);
    assert.equal(open!.headers['content-encoding'], 'zstd');
    const page = zstdDecompressSync(open!.body).toString();
    assert.match(page, /^ebpf_events_total\{key="3"\} 23$/m);
    assert.match(page, /^# TYPE target info\ntarget_info\{service_name="test",host_name="here"\} 1$/m);
    assert.match(page, /\n# EOF\n$/);
    const families = decodeFamilies(proto!.body);
    assert.equal(families.find(({ name }) => name === 'ebpf_events_total')!.metric[0]!.counter!.value, 23);
    assert.equal(families.find(({ name }) => name === 'target_info')!.metric[0]!.gauge!.value, 1);
    const read = families.find(({ name }) => name === 'ebpf_meter_read_duration_seconds')!;
    assert.deepEqual([read.unit, read.metric[0]!.histogram!.schema], ['seconds', undefined]);

    const reads = map.reads;
    const formats = kinds.map(({ accept }) => negotiateFormat(accept));
    const pages = await Promise.all([...formats, ...formats].map((format) => reader.page(format)));
    assert.equal(map.reads, reads + 1);
    assert.deepEqual([new Set(pages).size, pages[0] === pages[3], pages[2] === pages[5]], [3, true, true]);
    assert.equal(pages[0]!.compressed('gzip'), pages[3]!.compressed('gzip'));
    for (const page of pages) page.release();
  });

  it('leaves out an instrument whose name is another kind’s already, and says so', async () => {
    const { url, lines, meter } = await start(new FakeMap('events', 4, 8));
    meter.createCounter('own.a_total').add(1);
    meter.createGauge('own.a.total').record(2);
    meter.createUpDownCounter('own.level', { unit: 'By' }).add(-3, { 'b.c': 'x', b_c: 'y', list: ['q', 'r'] });
    const page = (await fetchPage(url)).body.toString();
    assert.match(page, /^# TYPE own_a_total counter\nown_a_total 1\n(?!own)/m);
    assert.match(page, /^own_level_bytes\{b_c="x;y",list="\[\\"q\\",\\"r\\"\]"\} -3$/m);
    assert.deepEqual(lines, [
      'warn: own metrics: "own.a.total": left out, since "own_a_total" is a counter already, not a gauge',
    ]);
  });

  it('gives a slow scraper one page, whatever others scrape in the meantime', async () => {
    const map = bigMap();
    const { url } = await start(map);
    const slow = connect(Number(new URL(url).port), '127.0.0.1');
    slow.pause();
    slow.write('GET /metrics HTTP/1.1\r\nHost: slow\r\nConnection: close\r\n\r\n');
    await once(slow, 'connect');
    while (map.reads === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let round = 1; round <= 4; round++) {
      for (let key = 0; key < 200_000; key++) map.set([key], [round]);
      assert.deepEqual(countersOf((await fetchPage(url)).body), new Set([String(round)]));
    }
    const chunks: Buffer[] = [];
    slow.on('data', (chunk: Buffer) => chunks.push(chunk));
    slow.resume();
    await once(slow, 'end');
    assert.deepEqual(countersOf(Buffer.concat(chunks)), new Set(['0']));
  });

  it('goes on after scrapers that went away in the middle of a page', async () => {
    const map = bigMap();
    const { url } = await start(map);
    for (let round = 0; round < 5; round++) {
      const gone = connect(Number(new URL(url).port), '127.0.0.1');
      gone.write(`GET /metrics HTTP/1.1\r\nHost: gone\r\n${round % 2 ? 'Accept-Encoding: gzip\r\n' : ''}\r\n`);
      const reads = map.reads;
      while (map.reads === reads) await new Promise((resolve) => setImmediate(resolve));
      gone.destroy();
    }
    assert.deepEqual(countersOf((await fetchPage(url)).body), new Set(['0']));
  });

  it('gives up a scraper that takes nothing, so that its page is free again', { timeout: 10_000 }, async () => {
    const { context } = fakeContext(new FakeStore());
    const pool = new PagePool();
    const buffer = new PageBuffer(pool, 32 << 20);
    buffer.length = 32 << 20;
    const page = new Page(buffer);
    const server = new PrometheusServer({ ...context, page: async () => page, answerMs: 20 });
    const url = await server.listen('127.0.0.1', 0);
    const stalled = connect(Number(new URL(url).port), '127.0.0.1');
    stalled.pause();
    stalled.write('GET /metrics HTTP/1.1\r\nHost: stalled\r\n\r\n');
    while (pool.take(1) !== buffer.bytes) await new Promise((resolve) => setImmediate(resolve));
    stalled.destroy();
    await server.close();
  });

  it('answers 500 with the cause when the collection failed, and logs the outage once', async () => {
    const map = new FakeMap('events', 4, 8);
    const { url, provider, lines, reader } = await start(map);
    const collect = reader.collect.bind(reader);
    reader.collect = () => Promise.reject(new Error('the SDK is broken'));
    for (let round = 0; round < 3; round++) {
      const { status, body } = await fetchPage(url);
      assert.equal(status, 500);
      assert.match(body.toString(), /the SDK is broken/);
    }
    reader.collect = collect;
    assert.equal((await fetchPage(url)).status, 200);
    assert.deepEqual(lines, ['warn: collection: the SDK is broken', 'info: collection: works again']);
    assert.ok(provider);
  });

  it('makes what writes a format again where that failed', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([3], [23]);
    const clock = new Clock();
    const { context, lines, tallies } = fakeContext({ clock, read: () => store.read(), hold: () => store.hold() });
    const plan = tablePlan('events', ['key'], 1, [counter('ebpf.events')]);
    const program = {
      plan: programPlan('test', [plan]),
      readers: fakeReaders([map]),
      startTime: [1, 0] as [number, number],
    };
    const store: Store = new Store([program], NO_FACTS, tallies, undefined, [{}], clock);
    const tables = [...store.tables];
    let refusals = 2;
    Object.defineProperty(tables, 0, {
      get() {
        if (refusals-- > 0) throw new Error('EMFILE: too many open files');
        return store.tables[0];
      },
    });
    const reader = new PrometheusReader(localReader, { ...context, tables });
    const url = await reader.listen();
    providers.push(provide([reader], context.health));
    assert.deepEqual([(await fetchPage(url)).status, (await fetchPage(url)).status], [500, 500]);
    const { status, body } = await fetchPage(url);
    assert.equal(status, 200);
    assert.match(body.toString(), /^ebpf_events_total\{key="3"\} 23$/m);
    assert.deepEqual([...tallies.scrapeRejections()], [['failed', 2]]);
    assert.deepEqual(lines, ['warn: collection: EMFILE: too many open files', 'info: collection: works again']);
  });

  it('logs an instrument that fails at every scrape once', async () => {
    const { url, lines, meter } = await start(new FakeMap('events', 4, 8));
    meter.createObservableGauge('own').addCallback(() => {
      throw new Error('no such number');
    });
    for (let scrape = 0; scrape < 3; scrape++) assert.equal((await fetchPage(url)).status, 200);
    assert.deepEqual(lines, ['warn: own metrics: no such number']);
  });

  it('serves the rest, and a metric that says so, when a map could not be read', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([1], [1]);
    map.failure = new Error('EBADF');
    const { url } = await start(map);
    const { status, body } = await fetchPage(url);
    assert.equal(status, 200);
    assert.doesNotMatch(body.toString(), /ebpf_events_total/);
    assert.match(body.toString(), /^ebpf_meter_map_read_errors_total\{program="test",map="events"\} 1$/m);
  });

  const paths: { path: string; method?: string; status: number; body: RegExp }[] = [
    { path: '/', status: 200, body: /href="\/metrics"/ },
    { path: '/-/healthy', status: 200, body: /healthy/ },
    { path: '/-/ready', status: 200, body: /ready/ },
    { path: '/metrics?debug=1', status: 200, body: /ebpf_events_total/ },
    { path: '/%6detrics%3f', status: 404, body: /\/metrics/ },
    { path: '/%6Detrics?a=%', status: 200, body: /ebpf_events_total/ },
    { path: '/%2D/healthy', status: 200, body: /healthy/ },
    { path: '/metrics%', status: 400, body: /percent-encoded/ },
    { path: '/metrics/', status: 404, body: /\/metrics/ },
    { path: '/favicon.ico', status: 404, body: /Not found/ },
    { path: '/metrics', method: 'POST', status: 405, body: /GET/ },
    { path: '/metrics', method: 'HEAD', status: 200, body: /^$/ },
  ];
  for (const { path, method = 'GET', status, body } of paths) {
    it(`answers ${status} to ${method} ${path}`, async () => {
      const map = new FakeMap('events', 4, 8);
      map.set([1], [1]);
      const { url } = await start(map);
      const answer = await fetchPage(url, { path, method });
      assert.equal(answer.status, status);
      assert.match(answer.body.toString(), body);
    });
  }

  it('answers a target of absolute-form, as proxies send it', async () => {
    const map = new FakeMap('events', 4, 8);
    map.set([1], [1]);
    const { port } = new URL((await start(map)).url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('GET http://example.com/metrics HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\nebpf_events_total\{key="1"\} 1\n/);
  });

  it('says which address is used and what to do', async () => {
    const map = new FakeMap('events', 4, 8);
    const { url } = await start(map);
    const port = Number(new URL(url).port);
    await assert.rejects(start(map, { port }), {
      code: 'reader',
      message: `Prometheus reader: 127.0.0.1:${port}: the port is in use`,
    });
  });

  it('tells the address where it serves every one', async () => {
    const { url } = await start(new FakeMap('events', 4, 8), { host: '' });
    assert.match(url, /^http:\/\/(\[::\]|0\.0\.0\.0):\d+\/metrics$/);
  });

  it('says that an address is not of this machine', async () => {
    await assert.rejects(start(new FakeMap('events', 4, 8), { host: '192.0.2.1' }), {
      code: 'reader',
      message: 'Prometheus reader: 192.0.2.1:0: no address of this machine',
    });
  });

  it('ends although a scraper keeps its connection', async () => {
    const map = new FakeMap('events', 4, 8);
    const { url, provider } = await start(map);
    const agent = new Agent({ keepAlive: true });
    await new Promise((resolve) => get(url, { agent }, (response) => response.resume().on('end', resolve)));
    await provider.shutdown();
    providers.length = 0;
    await assert.rejects(fetchPage(url), { code: 'ECONNREFUSED' });
    agent.destroy();
  });
});
