import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RunningMeter } from '../helpers/process.ts';
import { counting } from './collector/pushing.ts';

/** Names each module that the process loads on its standard error. */
const naming = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { process._rawDebug('module ' + url); return next(url, context); } });
`)}`;

/** Those of the project by their paths below src/, and the packages. */
function modules({ stderr }: RunningMeter): Set<string> {
  const urls = [...stderr.matchAll(/^module file:\/\/(.*)$/gm)].map(([, path]) => path!);
  const names = urls.map(
    (path) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? /\/src\/(.*)$/.exec(path)?.[1],
  );
  return new Set(names.filter((name) => name !== undefined));
}

it('what nobody configured or asked for is not imported', async () => {
  using folder = counting();
  await using meter = await RunningMeter.start(['--no-shipped', '--programs', folder.path], {
    NODE_OPTIONS: `--import=${naming}`,
  });
  await meter.scrape();
  const plain = modules(meter);
  assert.ok(plain.has('readers/prometheus/page/text-families.ts') && plain.has('@opentelemetry/sdk-metrics'));
  const others =
    /^readers\/otlp\/|^@grpc\/|otlp-transformer|bcrypt|web-security|protobuf|re2js|readers\/prometheus\/compress/;
  assert.deepEqual(
    [...plain].filter((name) => others.test(name)),
    [],
  );

  await meter.text({ 'accept-encoding': 'gzip' });
  assert.ok(modules(meter).has('readers/prometheus/page/compress.ts'));
  const accept = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
  await meter.text({ accept, 'accept-encoding': 'identity' });
  assert.ok(modules(meter).has('readers/prometheus/page/protobuf-families.ts'));
  const { status } = await meter.stop();
  assert.equal(status, 0);
});
