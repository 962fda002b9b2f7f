import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

for (const [file, pattern] of [
  ['src/main.ts', /^#!\/usr\/bin\/env -S node (.*)$/m],
  ['package.json', /"start": "exec node (.*) dist\/main\.js"/],
  ['Dockerfile', /^ENTRYPOINT \["node", (.*), "\/opt\/ebpf-meter\/dist\/main\.js"\]$/m],
  ['deploy/systemd/ebpf-meter.service', /^ExecStart=\S+\/node (.*) \S+\/dist\/main\.js run/m],
] as const) {
  test(`${file} starts node without a debugger that SIGUSR1 opens`, () => {
    const [, options] = pattern.exec(readFileSync(join(root, file), 'utf8'))!;
    assert.ok(options!.includes('--disable-sigusr1') && options!.includes('--max-semi-space-size=2'), options!);
  });
}
