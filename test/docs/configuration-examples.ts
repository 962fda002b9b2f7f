import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { codeBlocks } from './markdown.ts';
import { root } from './shipped.ts';

const reader = 'meter_provider: {readers: [{pull: {exporter: {prometheus/development: }}}]}\n';

/** A part of the exporter's file as a whole one; undefined where it is something else. */
function wholeFile(block: string): string | undefined {
  const keys = Object.keys((parse(block) as object | null) ?? {});
  if (keys.includes('file_format')) return block;
  const format = 'file_format: "1.1"\n';
  if (keys.includes('distribution') || keys.includes('resource')) return format + reader + block;
  if (!keys.includes('meter_provider')) return undefined;
  return (
    format + block.replace('meter_provider:\n', 'meter_provider:\n  readers: [{periodic: {exporter: {console: }}}]\n')
  );
}

interface ConfigurationExample {
  /** The page, and which of its blocks. */
  readonly name: string;
  readonly text: string;
}

/** The exporter's files that README and docs show, parts of them made whole. */
export function configurationExamples(): ConfigurationExample[] {
  return globSync(['README.md', 'docs/**/*.md'], { cwd: root }).flatMap((page) =>
    codeBlocks(readFileSync(join(root, page), 'utf8'), 'yaml').flatMap((block, index) => {
      const text = wholeFile(block);
      return text === undefined ? [] : [{ name: `${page}, block ${index + 1}`, text }];
    }),
  );
}
