import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { type TestContext, test } from 'node:test';
import type { ReaderConfig } from '../../src/config/exporter/configuration.ts';
import { createReader, readerKinds } from '../../src/readers/registry.ts';
import { counter, FakeRows, FakeStore, tablePlan } from '../helpers/fake-rows.ts';
import { fakeContext, provide } from '../helpers/reader-context.ts';

const CONFIGS: readonly { config: ReaderConfig; describe: RegExp }[] = [
  {
    config: {
      kind: 'prometheus',
      host: 'localhost',
      port: 0,
      translation: 'underscore_escaping_with_suffixes',
      scopeInfo: false,
      targetInfo: true,
    },
    describe: /^http:\/\/localhost:[1-9]\d+\/metrics$/,
  },
  {
    config: {
      kind: 'periodic',
      intervalMs: 60_000,
      timeoutMs: 30_000,
      exporter: {
        kind: 'otlp_grpc',
        endpoint: 'http://localhost:4317',
        headers: {},
        compression: 'none',
        timeoutMs: 10_000,
        temporality: 'cumulative',
        histogramAggregation: 'explicit_bucket_histogram',
        tls: { insecure: true, caFile: undefined, keyFile: undefined, certFile: undefined },
      },
    },
    describe: /^OTLP to http:\/\/localhost:4317 every 60 s$/,
  },
  {
    config: {
      kind: 'periodic',
      intervalMs: 1500,
      timeoutMs: 1000,
      exporter: { kind: 'console', temporality: 'delta' },
    },
    describe: /^console every 1.5 s$/,
  },
];

/** Keeps what is written to standard output from it until the test is over. */
function mockOutput(t: TestContext) {
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const write = t.mock.method(fs, 'writeSync', (fd: number, bytes: Buffer) => {
    assert.equal(fd, 1);
    return bytes.length;
  });
  syncBuiltinESMExports();
  return write;
}

for (const { config, describe } of CONFIGS) {
  test(describe.source, async (t) => {
    const print = mockOutput(t);
    const rows = new FakeRows(tablePlan('events', 1, [counter('ebpf.events')]));
    rows.set('a', [1]);
    const { context } = fakeContext(new FakeStore(rows));
    const created = await createReader(config, context);
    assert.match(created.describe, describe);
    assert.equal(readerKinds[config.kind].kind, config.kind);
    provide([created.reader], context.health);
    await created.reader.shutdown().catch(() => {});
    const printed = print.mock.calls.map((call) => String(call.arguments[1])).join('');
    assert.equal(printed.includes('"ebpf.events"'), describe.source.includes('console'));
  });
}
