// node_modules, by npm ci.
import { join } from 'node:path';
import { run } from './command.mjs';
import { modified, root } from './paths.mjs';
import { SetupError, say } from './report.mjs';

/** Installs what package-lock.json names, where node_modules is older. */
export async function installNodeModules() {
  // npm writes this file last, so an installation that was broken off has none.
  const installed = modified(join(root, 'node_modules/.package-lock.json')) ?? 0;
  if (installed >= modified(join(root, 'package-lock.json'))) {
    return;
  }
  say('installing the npm packages of package-lock.json with npm ci, into node_modules');
  await npm(['ci']);
}

/**
 * Runs npm without its notes, warnings and scripts of packages.
 * @param {string[]} args
 */
export async function npm(args) {
  const quiet = ['--loglevel=error', '--no-audit', '--no-fund', '--no-progress', '--ignore-scripts'];
  const patience = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];
  const [command, ...before] = npmCommand();
  const result = await run(command, [...before, ...args, ...quiet, ...patience], { cwd: root });
  if (!result.ok) {
    throw new SetupError(`npm ${args.join(' ')}: ${explainNpm(`${result.stderr}\n${result.stdout}`)}`);
  }
}

/** The npm that runs this script, on the Node that runs it: PATH may lead to a Node that npm ci is about to remove. */
function npmCommand() {
  const script = process.env.npm_execpath;
  return script?.endsWith('.js') ? [process.execPath, script] : ['npm'];
}

/** One sentence out of npm's error output. */
function explainNpm(output) {
  const code = /npm (?:error|ERR!) code (\w+)/.exec(output)?.[1];
  const url = /https?:\/\/[^/\s]+/.exec(output)?.[0];
  if (
    code !== undefined &&
    /^(ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)$/.test(code)
  ) {
    return `the npm registry${url === undefined ? '' : ` ${url}`} can't be reached (${code}): check the network and the proxy settings, then run this again`;
  }
  if (/npm ENOENT/.test(output)) {
    return 'there is no npm on PATH: install npm 10 or newer';
  }
  const lines = [...output.matchAll(/npm (?:error|ERR!) (?!code )(.+)/g)].map((match) => match[1].trim());
  return lines[0] ?? output.trim().split('\n').at(-1) ?? 'it failed and said nothing';
}
