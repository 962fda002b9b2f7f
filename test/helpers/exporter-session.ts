import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExporterConfig } from '../../src/config/exporter/configuration.ts';
import { startSession } from '../../src/exporter/session.ts';
import { Log } from '../../src/log.ts';
import { compileFixture } from '../fixtures/compile.ts';

const fixtures = join(import.meta.dirname, '../fixtures/exporter');

/** What config/ebpf-exporter.yaml says, but for the address. */
const prepared: ExporterConfig = {
  disabled: false,
  logLevel: undefined,
  namespace: 'ebpf_exporter',
  resourceAttributes: {},
  resourceSchemaUrl: undefined,
  readers: [
    {
      kind: 'prometheus',
      host: '127.0.0.1',
      port: 0,
      translation: 'underscore_escaping_without_suffixes',
      scopeInfo: false,
      targetInfo: false,
      formats: ['text'],
    },
  ],
  programs: { directories: undefined, only: undefined, overrides: new Map() },
  bpfStats: false,
  compatibleMetrics: true,
  strict: false,
};

/** A folder of pairs of test/fixtures/exporter, as people of ebpf_exporter have them. */
export function exporterFolder(names: readonly string[]): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'ebpf-meter-exporter-'));
  for (const name of names) {
    copyFileSync(join(fixtures, `${name}.yaml`), join(path, `${name}.yaml`));
    copyFileSync(compileFixture(`exporter/${name}`), join(path, `${name}.bpf.o`));
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** A session of this process, which itself is what the programs see. */
export interface ExporterSession extends AsyncDisposable {
  /** What was logged, a line each. */
  readonly log: string;
  /** The page in the text format. */
  page(): Promise<string>;
  /** The lines of the page whose names begin so, HELP and TYPE among them. */
  lines(prefix: string): Promise<string[]>;
}

/** Runs pairs of test/fixtures/exporter with ebpf_exporter's names of metrics. */
export async function runExporter(
  names: readonly string[],
  settings: Partial<ExporterConfig> = {},
): Promise<ExporterSession> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(exporterFolder(names));
  // Not by way of a file, whose schema takes a minute to compile on an emulated CPU.
  const config: ExporterConfig = {
    ...prepared,
    programs: { ...prepared.programs, directories: [path], shipped: false },
    ...settings,
  };
  let text = '';
  const log = new Log({
    level: 'info',
    format: 'text',
    write: (entry) => {
      text += entry;
    },
  });
  const session = await startSession(config, log);
  stack.defer(() => session.close());
  const [, url] = /metrics: (http:\S+\/metrics)/.exec(text)!;
  const page = async () => (await fetch(url!)).text();
  const all = stack.move();
  return {
    get log() {
      return text;
    },
    page,
    async lines(prefix) {
      const lines = (await page()).split('\n');
      return lines.filter((line) => line.replace(/^# (HELP|TYPE) /, '').startsWith(prefix));
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
