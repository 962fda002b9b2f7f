import { spawnSync } from 'node:child_process';

/** Runs a build to its end. Throws, with what it said, where it fails; what it says otherwise is of no use to anybody. */
export function buildQuietly(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    ...options,
    encoding: 'utf8',
    maxBuffer: 2 ** 27,
  });
  if (status === 0) return;
  const said = `${stdout ?? ''}${stderr ?? ''}`.split('\n').filter((line) => !line.startsWith('go: downloading '));
  throw new Error([`${command} ${args.join(' ')}: ${error?.message ?? `status ${status}`}`, ...said].join('\n').trim());
}
