// A Node for the clone, where the machine's is too old.
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { npm } from './modules.mjs';
import { readManifest, root } from './paths.mjs';
import { SetupError, say } from './report.mjs';

const version = '26.10.0';
const home = join(root, '.node');
const link = join(root, 'node_modules/.bin/node');

/**
 * Links a Node that is new enough to node_modules/.bin, which npm puts first on PATH for its scripts.
 * Must come after npm ci, which removes the link.
 */
export async function useNode() {
  const wanted = Number(/\d+/.exec(readManifest().engines.node)[0]);
  // Under npm this may already be the clone's own Node, whose link may be gone.
  const isOwn = process.execPath.startsWith(`${home}/`);
  if (!isOwn && Number(process.versions.node.split('.')[0]) >= wanted) {
    return;
  }

  const name = `node-linux-${process.arch}`;
  const folder = join(home, 'node_modules', name);
  if (installedVersion(folder) !== version) {
    await install(name, wanted);
  }
  linkTo(join(folder, 'bin/node'));
}

async function install(name, wanted) {
  const why = `this machine's is ${process.versions.node}, and ebpf-meter needs ${wanted} or newer`;
  if (!['x64', 'arm64'].includes(process.arch) || usesMusl()) {
    throw new SetupError(`Node: ${why}: please install a newer one (https://nodejs.org) and run this again`);
  }
  say(`installing Node ${version} for this clone into .node (190 MB): ${why}`);
  mkdirSync(home, { recursive: true });
  // With a manifest of its own, npm takes this folder for a project and leaves the clone's alone.
  writeFileSync(join(home, 'package.json'), `${JSON.stringify({ private: true })}\n`);
  await npm(['install', `${name}@${version}`, '--prefix', home, '--no-save', '--no-package-lock']);
}

function installedVersion(folder) {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return existsSync(join(folder, 'bin/node')) ? manifest.version : undefined;
  } catch {
    return undefined;
  }
}

function linkTo(binary) {
  if (existsSync(link)) {
    return;
  }
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) {
    rmSync(link);
  }
  mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
  symlinkSync(relative(join(root, 'node_modules/.bin'), binary), link);
}

/** The npm package's binary is linked against glibc. */
function usesMusl() {
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}
