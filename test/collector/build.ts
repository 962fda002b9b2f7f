/**
 * Builds the Collector that tests send to into build/tools/otelcol, and prints its path. Nothing is done where the one
 * of these very sources is there already. Needs Go 1.25 and its module proxy: two minutes and 1.6 GB of caches the first
 * time, seconds after. Ends with 69 where there is no such Go.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildQuietly } from '../helpers/build-quietly.ts';
import { collectorPath } from '../helpers/collector.ts';

const folder = import.meta.dirname;
const stamp = `${collectorPath}.stamp`;
const hash = createHash('sha256');
for (const name of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(folder, name)));
const wanted = hash.digest('hex');

if (!existsSync(collectorPath) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) build();
console.log(collectorPath);

function build(): void {
  const version = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  const minor = Number(/^go1\.(\d+)/.exec(version.stdout ?? '')?.[1] ?? 0);
  if (minor < 25) {
    const found = minor === 0 ? 'no go on PATH' : `${version.stdout.trim()} is too old`;
    console.error(`collector: ${found}: go 1.25 or newer builds it (https://go.dev/dl, or the package golang)`);
    process.exit(69);
  }
  console.error('collector: building with go, some minutes the first time');
  mkdirSync(join(collectorPath, '..'), { recursive: true });
  const made = `${collectorPath}.${process.pid}`;
  // Service discovery, which is a third of it, is for receivers that this one doesn't have.
  const options = ['-trimpath', '-ldflags=-s -w', '-tags=remove_all_sd', '-o', made, '.'];
  const env = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly' };
  buildQuietly('go', ['build', ...options], { cwd: folder, env });
  renameSync(made, collectorPath);
  writeFileSync(stamp, wanted);
}
