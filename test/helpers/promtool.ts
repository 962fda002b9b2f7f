import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const tools = join(import.meta.dirname, '..', '..', 'build', 'tools');

/**
 * Path of promtool: PATH's, or the one of Debian's package `prometheus`, unpacked into build/tools without installing
 * the server that the package would start. Otherwise why there is none.
 */
export function findPromtool(): { path: string } | { missing: string } {
  if (spawnSync('promtool', ['--version']).status === 0) return { path: 'promtool' };
  const path = join(tools, 'promtool');
  if (existsSync(path)) return { path };
  if (spawnSync('apt-get', ['--version']).status !== 0) {
    return { missing: 'promtool is not on PATH, and there is no apt-get to fetch it with' };
  }
  mkdirSync(tools, { recursive: true });
  const folder = mkdtempSync(join(tools, 'prometheus-'));
  try {
    download(folder);
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'))!;
    run('dpkg-deb', ['--extract', archive, 'unpacked'], folder);
    renameSync(join(folder, 'unpacked', 'usr', 'bin', 'promtool'), path);
    return { path };
  } catch (error) {
    return { missing: (error as Error).message };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function download(folder: string): void {
  const fetch = () => run('apt-get', ['download', '-q', 'prometheus'], folder);
  try {
    fetch();
  } catch {
    // There are no package lists yet, or they name a version that the mirror no longer has.
    run('apt-get', ['update', '-q'], folder);
    fetch();
  }
}

function run(command: string, args: string[], cwd: string): void {
  const { status, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
