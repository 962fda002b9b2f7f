import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Clone } from './clone.ts';

const isRoot = process.getuid?.() === 0;

describe('setup', () => {
  it('says nothing when nothing is to do', () => {
    using clone = new Clone();
    assert.deepEqual(clone.setUp(), { status: 0, said: '' });
  });
});

describe('setup: BPF programs', () => {
  it('compiles what has no object, and then nothing', () => {
    using clone = new Clone();
    clone.clang();
    clone.write('programs/block.bpf.c', '');
    assert.deepEqual(clone.setUp(), { status: 0, said: 'setup: compiling a BPF program (block) with clang-16\n' });
    assert.ok(clone.has('build/programs/block.bpf.o'));
    assert.deepEqual(clone.setUp(), { status: 0, said: '' });
  });

  it('compiles those older than their source, all when a header is newer', () => {
    using clone = new Clone();
    clone.clang();
    for (const name of ['block', 'sched']) {
      clone.write(`programs/${name}.bpf.c`, '');
      clone.write(`build/programs/${name}.bpf.o`, 'old');
      clone.age(`build/programs/${name}.bpf.o`, 60);
    }
    clone.age('programs/sched.bpf.c', 120);
    assert.match(clone.setUp().said, /a BPF program \(block\)/);
    assert.equal(readFileSync(clone.path('build/programs/sched.bpf.o'), 'utf8'), 'old');

    clone.age('build/programs/block.bpf.o', 60);
    clone.write('programs/include/types.bpf.h', '/* changed */');
    assert.match(clone.setUp().said, /2 BPF programs \(block, sched\)/);
  });

  it('removes the objects of programs that are gone', () => {
    using clone = new Clone();
    clone.write('build/programs/gone.bpf.o', '');
    assert.equal(clone.setUp().status, 0);
    assert.ok(!clone.has('build/programs/gone.bpf.o'));
  });

  it('does the same with those that maps without C are counted by', () => {
    using clone = new Clone();
    clone.clang();
    clone.write('programs/block.bpf.c', '');
    clone.write('programs/generic/functions.bpf.c', '');
    clone.write('build/programs/generic/gone.bpf.o', '');
    assert.match(clone.setUp().said, /2 BPF programs \(block, generic\/functions\)/);
    assert.ok(clone.has('build/programs/generic/functions.bpf.o'));
    assert.ok(!clone.has('build/programs/generic/gone.bpf.o'));
    assert.deepEqual(clone.setUp(), { status: 0, said: '' });
  });

  it("names the file and the compiler's first error, and leaves no object", () => {
    using clone = new Clone();
    clone.command(
      'clang',
      'if [ "$1" = --version ]; then echo "clang version 19.1.7"; exit 0; fi',
      'echo "programs/block.bpf.c:3:1: warning: one" >&2',
      'echo "programs/block.bpf.c:7:2: error: two" >&2',
      'echo "programs/block.bpf.c:8:2: error: three" >&2',
      'exit 1',
    );
    clone.write('programs/block.bpf.c', '');
    const { status, said } = clone.setUp();
    assert.equal(status, 1);
    assert.match(said, /setup: programs\/block\.bpf\.c doesn't compile: programs\/block\.bpf\.c:7:2: error: two\n$/);
    assert.ok(!clone.has('build/programs/block.bpf.o'));
  });

  it('refuses a clang that is too old', () => {
    using clone = new Clone();
    clone.command('clang', 'echo "Debian clang version 11.0.1-2"');
    clone.write('programs/block.bpf.c', '');
    const { status, said } = clone.setUp();
    assert.equal(status, 1);
    assert.match(said, /clang: version 11 is too old: install clang 14 or newer/);
  });
});

describe('setup: system packages', () => {
  const policy = (candidates: Record<string, string>) => [
    'case "$2" in',
    ...Object.entries(candidates).map(([name, version]) => `${name}) echo "  Candidate: ${version}";;`),
    'esac',
  ];

  it('lists what to install where it knows no package manager', () => {
    using clone = new Clone();
    clone.write('programs/block.bpf.c', '');
    const { status, said } = clone.setUp();
    assert.equal(status, 1);
    assert.match(
      said,
      /none of apt-get, dnf and apk: please install\n(.*\n)* {2}clang 14 or newer, which compiles BPF programs\n/,
    );
  });

  for (const { candidates, installed } of [
    { candidates: { 'clang-16': '1:16.0.6', clang: '1:14.0' }, installed: 'clang-16' },
    { candidates: { 'clang-16': '(none)', clang: '1:19.0' }, installed: 'clang' },
  ]) {
    it(`installs ${installed} where apt offers ${JSON.stringify(candidates)}`, {
      skip: !isRoot && 'root installs',
    }, () => {
      using clone = new Clone();
      clone.clang('template');
      clone.command('apt-cache', ...policy(candidates));
      clone.command('apt-get', `/bin/cp ${clone.path('bin/template')} ${clone.path(`bin/${installed}`)}`);
      clone.write('programs/block.bpf.c', '');
      const { status, said } = clone.setUp();
      assert.equal(status, 0, said);
      assert.match(said, new RegExp(`^setup: installing ${installed} with apt-get, which compiles BPF programs$`, 'm'));
      assert.match(
        readFileSync(clone.path('apt-get.calls'), 'utf8'),
        new RegExp(`install -y --no-install-recommends ${installed}\n$`),
      );
      assert.ok(clone.has('build/programs/block.bpf.o'));
    });
  }

  it('needs only libbpf where nothing has to be compiled', () => {
    using clone = new Clone();
    clone.remove('system');
    const { status, said } = clone.setUp();
    assert.equal(status, 1);
    assert.match(said, /please install\n {2}libbpf 1\.1 or newer \(libbpf\.so\.1\), which loads BPF programs\nand run/);
  });

  it('finds libbpf in an unusual folder by the cache of the loader', () => {
    using clone = new Clone();
    clone.remove('system');
    clone.command('ldconfig', 'echo "	libbpf.so.1 (libc6,x86-64) => /opt/lib/libbpf.so.1"');
    assert.deepEqual(clone.setUp(), { status: 0, said: '' });
  });

  it("gives apt's own reason when it fails", { skip: !isRoot && 'root installs' }, () => {
    using clone = new Clone();
    clone.command('apt-cache', ...policy({ 'clang-16': '1' }));
    clone.command(
      'apt-get',
      'echo "W: something else" >&2',
      'echo "E: Failed to fetch http://mirror/x.deb  Could not resolve \'mirror\'" >&2',
      'exit 100',
    );
    clone.write('programs/block.bpf.c', '');
    const { status, said } = clone.setUp();
    assert.equal(status, 1);
    assert.match(
      said,
      /setup: apt-get install .* clang-16: the package mirror can't be reached: E: Failed to fetch .*\n$/,
    );
  });

  it('tells who is not root what to run, and goes on only where that is allowed', {
    skip: !isRoot && 'drops root',
  }, () => {
    using clone = new Clone();
    clone.command('apt-cache', ...policy({ 'clang-16': '1' }));
    clone.command('apt-get', 'exit 1');
    clone.write('programs/block.bpf.c', '');
    const sentence = /needs root: run "sudo apt-get install -y --no-install-recommends clang-16", then this again/;
    const strict = clone.setUp({ uid: 65534 });
    assert.equal(strict.status, 1);
    assert.match(strict.said, sentence);
    const tolerant = clone.setUp({ uid: 65534, args: ['--tolerant'] });
    assert.equal(tolerant.status, 0, tolerant.said);
    assert.match(tolerant.said, sentence);
    assert.match(tolerant.said, /going on without/);
    assert.ok(!clone.has('apt-get.calls'));
  });
});

describe('setup: npm', () => {
  it('runs npm ci when package-lock.json is newer than node_modules', () => {
    using clone = new Clone();
    clone.command('npm', `echo '{}' > ${clone.path('node_modules/.package-lock.json')}`);
    clone.age('node_modules/.package-lock.json', 7200);
    assert.match(clone.setUp().said, /^setup: installing the npm packages of package-lock\.json with npm ci, .*\n$/);
    assert.match(readFileSync(clone.path('npm.calls'), 'utf8'), /^ci .*--ignore-scripts/);
    assert.equal(clone.setUp().said, '');
  });

  for (const { output, sentence } of [
    {
      output: 'npm error code ENOTFOUND\nnpm error request to https://npm.example/yaml failed, reason: getaddrinfo',
      sentence: /npm ci: the npm registry https:\/\/npm\.example can't be reached \(ENOTFOUND\): check the network/,
    },
    {
      output: 'npm error code EUSAGE\nnpm error `npm ci` can only install with a lock file in sync',
      sentence: /npm ci: `npm ci` can only install with a lock file in sync\n/,
    },
  ]) {
    it(`says in a sentence: ${output.split('\n')[0]}`, () => {
      using clone = new Clone();
      clone.command('npm', `/bin/cat >&2 <<'END'\n${output}\nEND`, 'exit 1');
      clone.age('node_modules/.package-lock.json', 7200);
      const { status, said } = clone.setUp();
      assert.equal(status, 1);
      assert.match(said, sentence);
      assert.doesNotMatch(said, /^ {4}at /m);
    });
  }

  it('says that there is no npm', () => {
    using clone = new Clone();
    clone.age('node_modules/.package-lock.json', 7200);
    const { status, said } = clone.setUp();
    assert.equal(status, 1);
    assert.match(said, /npm ci: there is no npm on PATH/);
  });
});

describe('setup: Node', () => {
  const name = `node-linux-${process.arch}`;

  it('brings one where the machine has too old a one, and links it again after npm ci', () => {
    using clone = new Clone();
    clone.write('package.json', '{"engines": {"node": ">=99"}}');
    const folder = clone.path(`.node/node_modules/${name}`);
    clone.command(
      'npm',
      `/bin/mkdir -p ${folder}/bin`,
      `echo '{"version": "26.10.0"}' > ${folder}/package.json`,
      `echo > ${folder}/bin/node`,
    );
    const first = clone.setUp();
    assert.equal(first.status, 0, first.said);
    assert.match(first.said, /^setup: installing Node 26\.10\.0 for this clone .* ebpf-meter needs 99 or newer\n$/);
    const link = clone.path('node_modules/.bin/node');
    assert.equal(readlinkSync(link), `../../.node/node_modules/${name}/bin/node`);
    assert.ok(statSync(link).isFile());

    clone.remove('node_modules/.bin');
    assert.deepEqual(clone.setUp(), { status: 0, said: '' });
    assert.ok(statSync(link).isFile());
  });
});
