import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** A process that waits before it does anything, so that a program can be told to count it alone. */
interface HeldProcess {
  readonly pid: number;
  /** Lets it run, and gives what it printed once it has ended well; rejects where it ended otherwise. */
  run(): Promise<string>;
}

/** A shell that waits, and then becomes the command: the process stays the same. */
export function holdCommand(command: readonly string[]): HeldProcess {
  return hold('exec "$@"', command);
}

/** A shell that waits, and then runs the script; its arguments are "$@", its working directory this process's or `cwd`. */
export function hold(script: string, args: readonly string[] = [], cwd?: string): HeldProcess {
  const child: ChildProcess = spawn('sh', ['-c', `read -r _; ${script}`, 'sh', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd,
  });
  return {
    pid: child.pid!,
    async run() {
      const [output, [code, signal]] = await Promise.all([
        text(child.stdout!),
        once(child, 'exit'),
        child.stdin!.end('\n'),
      ]);
      if (code !== 0) throw new Error(`${[script, ...args].join(' ')}: ended with ${code ?? signal}`);
      return output;
    },
  };
}
