import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { parsePrometheusText } from '../helpers/prometheus-text.ts';
import { findPromtool } from '../helpers/promtool.ts';
import { codeBlocks, codeWords, queries, tableRows } from './markdown.ts';
import { labelsOfLines, root, type ShippedMetric, type ShippedProgram, shippedPrograms } from './shipped.ts';

const programs = shippedPrograms();
const everyLine = labelsOfLines(programs.flatMap(({ metrics }) => metrics));
const promtool = findPromtool();
/** Those that Prometheus adds. */
const added = ['instance', 'job'];
const sections = ['Questions that it answers', 'What exactly is counted', 'What it costs', 'Kernels and hooks'];

function pageOf({ name }: ShippedProgram): string {
  return readFileSync(join(root, 'docs/programs', `${name}.md`), 'utf8');
}

function queriesOf(page: string): string[] {
  return codeBlocks(page, 'promql').flatMap(queries);
}

/** As a page's table says: name, `kind, unit`, attributes, whether it is expensive. A row may be for several. */
function documentedMetrics(page: string): string[][] {
  return tableRows(page, 'metric', 'kind, unit', 'attributes').flatMap(([names = '', kind = '', attributes = '']) => {
    const expensive = names.endsWith('(expensive)') ? 'expensive' : '';
    return codeWords(names).map((name) => [name, kind, codeWords(attributes).join(', '), expensive]);
  });
}

function described({ name, kind, unit, attributes, expensive }: ShippedMetric): string[] {
  return [name, unit === '' ? kind : `${kind}, ${unit}`, attributes.join(', '), expensive ? 'expensive' : ''];
}

const byName = ([a = '']: string[], [b = '']: string[]) => (a < b ? -1 : 1);

/** Labels that a query names, by the metric that has them in braces; '' for those of `by`, `on` and the like. */
function labelsOfQuery(query: string): { metric: string; label: string }[] {
  const inBraces = [...query.matchAll(/\b(ebpf_\w+)\{([^}]*)\}/g)].flatMap(([, metric, matchers]) =>
    [...matchers!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => ({ metric: metric!, label: label! })),
  );
  const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
  const grouped = [...query.matchAll(grouping)].flatMap(([, labels]) =>
    labels!
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== '')
      .map((label) => ({ metric: '', label })),
  );
  return [...inBraces, ...grouped];
}

describe('the pages of the shipped programs', () => {
  it('are one for each', () => {
    const pages = globSync('docs/programs/*.md', { cwd: root }).map((path) => basename(path, '.md'));
    assert.deepEqual(
      pages.sort(),
      programs.map(({ name }) => name),
    );
  });

  for (const program of programs) {
    describe(program.name, () => {
      const page = pageOf(program);
      const ownLines = labelsOfLines(program.metrics);

      it('has the sections that every page has', () => {
        assert.match(page, new RegExp(`^# ${program.name}: `));
        const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading!);
        assert.deepEqual(
          headings.filter((heading) => sections.includes(heading)),
          sections,
        );
      });

      it('has all metrics in its table, with kind, unit and attributes', () => {
        assert.deepEqual(documentedMetrics(page).sort(byName), program.metrics.map(described).sort(byName));
      });

      it('shows lines of a page that it could have given', () => {
        const [example] = codeBlocks(page, '');
        // No machine of ours can count these.
        if (program.name === 'cpu_cache' && example === undefined) {
          return assert.match(page, /there is no output of a real run here/);
        }
        const lines = (example ?? '').split('\n').filter((line) => line !== '' && line !== '…');
        assert.ok(lines.length > 0, 'no example');
        for (const line of lines) {
          const { name, labels } = parsedLine(line);
          assert.deepEqual(Object.keys(labels), ownLines.get(name), line);
        }
      });

      it('asks only for what there is', () => {
        const asked = queriesOf(page);
        assert.ok(asked.length >= 2, `${asked.length} queries`);
        for (const query of asked) {
          const names = query.match(/\bebpf_\w+/g) ?? [];
          assert.ok(
            names.some((name) => ownLines.has(name)),
            query,
          );
          for (const name of names) assert.ok(everyLine.has(name), `${name}: ${query}`);
          const known = names.flatMap((name) => everyLine.get(name)!);
          for (const { metric, label } of labelsOfQuery(query)) {
            const labels = metric === '' ? [...known, ...added] : everyLine.get(metric)!;
            assert.ok(labels.includes(label), `${label}: ${query}`);
          }
        }
      });
    });
  }

  it('ask what Prometheus understands', { skip: 'missing' in promtool ? promtool.missing : false }, () => {
    const exprs = programs.flatMap((program) => queriesOf(pageOf(program)));
    const rules = exprs.map((expr, index) => ({ record: `query:${index}`, expr }));
    const folder = mkdtempSync(join(tmpdir(), 'queries-'));
    try {
      const file = join(folder, 'rules.yaml');
      // JSON is YAML.
      writeFileSync(file, JSON.stringify({ groups: [{ name: 'pages', rules }] }));
      const { path } = promtool as { path: string };
      const { status, stderr } = spawnSync(path, ['check', 'rules', file], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** A line as it stands, whose metric has no header. */
function parsedLine(line: string): { name: string; labels: Readonly<Record<string, string>> } {
  const [name = ''] = /^\w*/.exec(line)!;
  const page = `# HELP ${name} x\n# TYPE ${name} untyped\n${line}\n`;
  const [
    {
      samples: [sample],
    } = { samples: [] },
  ] = [...parsePrometheusText(page).families.values()];
  return sample!;
}

describe('the index of the programs', () => {
  const index = readFileSync(join(root, 'docs/programs.md'), 'utf8');
  const rows = tableRows(index, 'program', 'what it tells');

  it('has each once, with a link to its page, and says which are expensive', () => {
    const listed = rows.map(([link = '', , runs = '']) => {
      const [, name, target] = /^\[`(\w+)`\]\(programs\/(\w+)\.md\)$/.exec(link) ?? [];
      assert.equal(name, target, link);
      return [name, runs.startsWith('expensive')];
    });
    assert.deepEqual(
      listed.sort(([a], [b]) => (a! < b! ? -1 : 1)),
      programs.map(({ name, expensive }) => [name, expensive]),
    );
  });

  it('has all constants that an operator may set, and whose they are', () => {
    const documented = tableRows(index, 'set for', 'constant').flatMap(([names = '', constant = '']) =>
      codeWords(names.split('(')[0]!).map((name) => `${name} ${codeWords(constant)[0]}`),
    );
    const there = programs.flatMap(({ name, constants }) => constants.map((constant) => `${name} ${constant}`));
    assert.deepEqual(documented.sort(), there.sort());
  });

  it('names the expensive metrics of the others', () => {
    for (const { name, expensive, metrics } of programs.filter(({ metrics }) => metrics.some((one) => one.expensive))) {
      assert.equal(expensive, false, name);
      const [, , runs = ''] = rows.find(([link]) => link?.startsWith(`[\`${name}\`]`))!;
      const named = codeWords(runs);
      const dear = metrics.filter((metric) => metric.expensive && !metric.name.endsWith('.lost'));
      assert.deepEqual(named.sort(), dear.map((metric) => metric.name).sort(), name);
    }
  });
});

describe('the README', () => {
  it('has every program in its table', () => {
    const rows = tableRows(readFileSync(join(root, 'README.md'), 'utf8'), 'program', 'metrics');
    const listed = rows.map(([cell = '']) => [codeWords(cell)[0], cell.includes('(expensive')]);
    assert.deepEqual(
      listed.sort(([a], [b]) => (a! < b! ? -1 : 1)),
      programs.map(({ name, expensive }) => [name, expensive]),
    );
  });
});
