// System packages: libbpf for running; clang and libbpf's headers for compiling the BPF programs.
import { existsSync, readdirSync } from 'node:fs';
import { run } from './command.mjs';
import { findCommand } from './paths.mjs';
import { SetupError, say } from './report.mjs';

/** Every name under which distributions install clang 14 or newer, the usual one first. */
export const clangNames = ['clang', ...Array.from({ length: 9 }, (_, index) => `clang-${22 - index}`)];

// Tests put a folder of their own in place of the machine's.
const sysroot = process.env.SETUP_SYSROOT ?? '';
const libraryFolders = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/lib64',
  '/lib',
  '/usr/local/lib64',
  '/usr/local/lib',
];
const includeFolders = ['/usr/include', '/usr/local/include'];

const needs = {
  libbpf: { why: 'which loads BPF programs', packages: { apt: ['libbpf1'], dnf: ['libbpf'], apk: ['libbpf'] } },
  headers: {
    why: 'which BPF programs include',
    packages: { apt: ['libbpf-dev'], dnf: ['libbpf-devel'], apk: ['libbpf-dev'] },
  },
  // Debian 12's own `clang` is 14, which knows fewer BTF tags; later releases have no clang-16 but a newer `clang`.
  clang: {
    why: 'which compiles BPF programs',
    packages: { apt: ['clang-16', 'clang'], dnf: ['clang'], apk: ['clang'] },
  },
};

/**
 * Which of `needs` this machine lacks.
 * @param {{compiling: boolean}} options compiling: whether a BPF program has to be compiled, which needs clang and headers.
 * @returns {string[]} keys of `needs`
 */
export function missingSystemPackages({ compiling }) {
  const missing = [];
  if (!libraryFolders.some((folder) => existsSync(`${sysroot}${folder}/libbpf.so.1`))) {
    missing.push('libbpf');
  }
  if (compiling && !includeFolders.some((folder) => existsSync(`${sysroot}${folder}/bpf/bpf_helpers.h`))) {
    missing.push('headers');
  }
  if (compiling && findCommand(clangNames) === undefined) {
    missing.push('clang');
  }
  return missing;
}

/**
 * Installs what is missing with the machine's package manager.
 * @param {string[]} missing keys of `needs`
 */
export async function installSystemPackages(missing) {
  if (missing.includes('libbpf') && (await isInLoaderCache('libbpf.so.1'))) {
    missing = missing.filter((need) => need !== 'libbpf');
  }
  if (missing.length === 0) {
    return;
  }

  const manager = packageManagers.find(({ command }) => findCommand([command]) !== undefined);
  if (manager === undefined) {
    const list = missing.map((need) => `  ${needNames[need]}, ${needs[need].why}`).join('\n');
    throw new SetupError(`this machine has none of apt-get, dnf and apk: please install\n${list}\nand run this again`);
  }

  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    await manager.prepare?.();
  }

  const packages = [];
  for (const need of missing) {
    const name = await manager.choose(needs[need].packages[manager.name]);
    packages.push(name);
    if (isRoot) {
      say(`installing ${name} with ${manager.command}, ${needs[need].why}`);
    }
  }
  const install = [manager.command, ...manager.install, ...packages];
  if (!isRoot) {
    throw new SetupError(
      `${packages.join(', ')} must be installed, which needs root: run "sudo ${install.join(' ')}", then this again`,
      { needsRoot: true },
    );
  }

  const result = await manager.run(install);
  if (!result.ok) {
    throw new SetupError(`${install.join(' ')}: ${manager.explain(result)}`);
  }
}

const needNames = {
  libbpf: 'libbpf 1.1 or newer (libbpf.so.1)',
  headers: "libbpf's headers (bpf/bpf_helpers.h)",
  clang: 'clang 14 or newer',
};

/** Libraries outside the usual folders are found by the loader's cache; asked last, since it takes a process. */
async function isInLoaderCache(library) {
  const ldconfig = findCommand(['ldconfig'], `${process.env.PATH ?? ''}:${sysroot}/sbin:${sysroot}/usr/sbin`);
  return ldconfig !== undefined && (await run(ldconfig, ['-p'])).stdout.includes(`${library} `);
}

const apt = {
  name: 'apt',
  command: 'apt-get',
  install: ['install', '-y', '--no-install-recommends'],
  async prepare() {
    const lists = existsSync('/var/lib/apt/lists') ? readdirSync('/var/lib/apt/lists') : [];
    if (!lists.some((name) => /_Packages(\.\w+)?$/.test(name))) {
      await this.update();
    }
  },
  async update() {
    say('fetching the package lists with apt-get update: there are none, or they are old');
    // It exits with 0 though lists could not be fetched; the reason is shown if the installation fails then.
    this.updateProblem = lastLine((await run('apt-get', ['update', '-q'])).stderr, /^[EW]: .*/gm);
  },
  async choose(names) {
    for (const name of names) {
      const { stdout } = await run('apt-cache', ['policy', name], { env: { LC_ALL: 'C' } });
      if (/Candidate: (?!\(none\))/.test(stdout)) {
        return name;
      }
    }
    return names[0];
  },
  async run(install) {
    const attempt = () =>
      run(install[0], ['-o', 'DPkg::Lock::Timeout=60', ...install.slice(1)], {
        env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      });
    const result = await attempt();
    if (result.ok || this.updateProblem !== undefined || !/Unable to (locate|fetch)|404/.test(result.stderr)) {
      return result;
    }
    // Old lists name files that the mirror no longer has.
    await this.update();
    return attempt();
  },
  explain({ stderr }) {
    const cause = this.updateProblem || lastLine(stderr, /^E: .*/gm) || lastLine(stderr, /.+/g);
    return isNetworkProblem(`${cause}${stderr}`) ? `the package mirror can't be reached: ${cause}` : cause;
  },
  updateProblem: undefined,
};

const dnf = {
  name: 'dnf',
  command: 'dnf',
  install: ['install', '-y', '--setopt=install_weak_deps=False'],
  choose: ([name]) => name,
  run: (install) => run(install[0], install.slice(1)),
  explain: ({ stderr }) => lastLine(stderr, /^Error.*|^Curl error.*/gm) || lastLine(stderr, /.+/g),
};

const apk = {
  name: 'apk',
  command: 'apk',
  install: ['add', '--no-progress'],
  choose: ([name]) => name,
  run: (install) => run(install[0], install.slice(1)),
  explain: ({ stdout, stderr }) => lastLine(`${stdout}${stderr}`, /^ERROR.*|^WARNING.*/gm) || lastLine(stderr, /.+/g),
};

const packageManagers = [apt, dnf, apk];

function lastLine(text, pattern) {
  return text.match(pattern)?.at(-1)?.trim() ?? '';
}

function isNetworkProblem(text) {
  return /Could not resolve|Temporary failure|Connection (failed|refused|timed out)|Cannot initiate the connection/.test(
    text,
  );
}
