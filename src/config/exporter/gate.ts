import process from 'node:process';
import type { ConfigNode } from '../yaml/document.ts';
import type { Environment } from './substitute.ts';

/** What OpenTelemetry's schema refuses, and where: keys and indices from the root, none for the whole file. */
interface Violation {
  readonly path: readonly string[];
  readonly message: string;
}

/**
 * Lets @opentelemetry/configuration read the file, the last gate behind our own checks: it knows the whole schema.
 * It stops at the first violation. The package is loaded only here, since most runs have no file.
 */
export async function schemaViolations(file: string, env: Environment): Promise<readonly Violation[]> {
  // What the shell hands over by <(…) can be read once, and that was done.
  if (/^\/(?:dev|proc)\//.test(file)) return [];
  const { parseConfigFile } = await import('@opentelemetry/configuration');
  try {
    quietly(env, () => parseConfigFile(file));
    return [];
  } catch (error) {
    return violationsOf((error as Error).message);
  }
}

/**
 * Runs something synchronous with this environment and without Node's warnings: the package takes variables from
 * process.env, and its YAML parser warns on stderr, quoting their values.
 */
function quietly<Result>(env: Environment, run: () => Result): Result {
  const { emitWarning, env: real } = process;
  process.emitWarning = () => {};
  process.env = env as NodeJS.ProcessEnv;
  try {
    return run();
  } finally {
    process.emitWarning = emitWarning;
    process.env = real;
  }
}

/** Its errors are text: `Invalid …: FILE: /json/pointer must be …`, several on lines of their own for alternatives. */
function violationsOf(text: string): readonly Violation[] {
  const found = [...text.matchAll(/(?:^|\s)(\/\S+)? (must (?:NOT )?.+)$/gm)];
  if (!text.startsWith('Invalid OpenTelemetry config file') || found.length === 0) {
    return [{ path: [], message: text.split('\n', 1)[0]! }];
  }
  return found.map(([, pointer = '', message]) => ({
    path: pointer
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')),
    message: message!,
  }));
}

/** Reports the violations at their places. */
export function reportViolations(root: ConfigNode, violations: readonly Violation[]): void {
  for (const { path, message } of violations) {
    const node = nodeAt(root, path);
    // A section whose lines are all commented out has no value; the schema wants a map, to us it asks for nothing.
    // Missing readers are reported by whoever knows the command line.
    if (node.isNull || path.join('.') === 'meter_provider.readers' || path.join('.') === 'meter_provider') continue;
    node.error(`${path.length === 0 ? '' : `${node.subject} `}${message} (OpenTelemetry's configuration schema)`);
  }
}

/** The deepest node on this way. */
function nodeAt(root: ConfigNode, path: readonly string[]): ConfigNode {
  let node = root;
  for (const part of path) {
    const next = node.isMap ? node.map()?.get(part) : node.isList ? node.list()?.[Number(part)] : undefined;
    if (next === undefined) break;
    node = next;
  }
  return node;
}
