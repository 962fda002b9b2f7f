import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A set of Debian suites with package lists of their own, beside what the machine is set up with. */
interface Suites {
  /** Names of the packages of these suites that match an extended regular expression. */
  names(pattern: string): string[];
  /** Downloads the newest version of each package and unpacks all into the folder. */
  unpack(packages: readonly string[], folder: string): void;
}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Installs the packages whose command is not on PATH. Needs root; throws an Error with apt's last line. */
export function installPackages(packages: Readonly<Record<string, string>>): void {
  const missing = Object.entries(packages).flatMap(([command, name]) => (isOnPath(command) ? [] : [name]));
  if (missing.length === 0) return;
  console.error(`vm: installing ${missing.join(', ')} with apt-get`);
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  const attempt = () => spawnSync('apt-get', install, { encoding: 'utf8', env: quietly });
  if (attempt().status === 0) return;
  apt('apt-get', ['update', '-q']);
  apt('apt-get', install);
}

/**
 * Fetches the package lists of the suites from the mirrors that the machine's own apt is set up with.
 * `folder` keeps apt's state; nothing of the machine's is changed.
 */
export function openSuites(suites: readonly string[], folder: string): Suites {
  const mirrors = findMirrors();
  const lines = suites.map((suite) => {
    const mirror = suite.endsWith('-security') ? mirrors.security : mirrors.archive;
    return `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`;
  });
  mkdirSync(join(folder, 'lists/partial'), { recursive: true });
  mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), lines.join(''));
  const options = [
    `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(folder, 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    // The user _apt may not reach this folder.
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
    // Suites that are no longer looked after let their lists expire.
    'Acquire::Check-Valid-Until=false',
  ].flatMap((option) => ['-o', option]);
  apt('apt-get', [...options, 'update', '-q']);

  return {
    names: (pattern) =>
      apt('apt-cache', [...options, 'search', '--names-only', pattern])
        .split('\n')
        .flatMap((line) => line.split(' ')[0] || []),
    unpack(packages, target) {
      for (const name of packages) {
        const [line = ''] = apt('apt-get', [...options, 'download', '--print-uris', name]).split('\n');
        const [, file] = /^'[^']*' (\S+)/.exec(line) ?? [];
        if (file === undefined) throw new Error(`${name}: apt-get doesn't say what it would download: "${line}"`);
        apt('apt-get', [...options, 'download', '-q', name], folder);
        apt('dpkg', ['-x', join(folder, file), target]);
        apt('rm', [join(folder, file)]);
      }
    },
  };
}

/** Where the machine gets Debian from. Throws where it isn't Debian. */
function findMirrors(): { archive: string; security: string } {
  const targets = apt('apt-get', ['indextargets', '--format', '$(LABEL)|$(REPO_URI)', 'Created-By: Packages']);
  const byLabel = new Map(targets.split('\n').map((line) => line.split('|') as [string, string]));
  const archive = byLabel.get('Debian');
  if (archive === undefined || !existsSync(keyring)) {
    throw new Error("Debian's kernels: apt is not set up with a Debian archive: run this on Debian");
  }
  return { archive, security: byLabel.get('Debian-Security') ?? archive.replace(/debian\/?$/, 'debian-security') };
}

const quietly = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

function apt(command: string, args: readonly string[], cwd?: string): string {
  const options = {
    encoding: 'utf8',
    env: quietly,
    maxBuffer: 2 ** 26,
    ...(cwd === undefined ? {} : { cwd }),
  } as const;
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  if (status === 0) return stdout;
  const cause = error?.message ?? stderr.match(/^E: .*/gm)?.at(-1) ?? stderr.trim();
  throw new Error(`${command} ${args.filter((arg) => !arg.includes('::') && arg !== '-o').join(' ')}: ${cause}`);
}

function isOnPath(command: string): boolean {
  const folders = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`.split(':');
  return folders.some((folder) => existsSync(join(folder, command)));
}
