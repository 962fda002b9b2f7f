import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { buildLoad } from '../../../bench/kernel/build.ts';
import { type Counting, type CountingOptions, count } from './counting.ts';

const network = buildLoad('network');

/**
 * Counts what a shell script does in a network namespace of its own, whose loopback interface is up: `run NAME COUNT
 * ADDRESS` is a load of bench/kernel/network.c. Gives what is counted, to be disposed of, and the lines that the script printed.
 * Throws where the script fails.
 */
export async function countInNamespace(
  program: string,
  script: string,
  { constants, ...others }: CountingOptions = {},
): Promise<{ counting: Counting; lines: readonly string[] }> {
  const held = `readlink /proc/self/ns/net; read -r _; set -e; ip link set lo up; run() { "$0" "$@"; }; ${script}`;
  const child = spawn('unshare', ['--net', 'sh', '-c', held, network], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const output = createInterface(child.stdout)[Symbol.asyncIterator]();
  const namespace = Number(/\d+/.exec((await output.next()).value ?? '')?.[0]);
  using counted = new DisposableStack();
  // What waits for its first line would wait for ever where the program can't be loaded; it has ended elsewhere.
  counted.defer(() => child.kill());
  const counting = counted.use(count(program, { ...others, constants: { ...constants, only_netns: namespace } }));
  child.stdin.end('\n');
  const lines: string[] = [];
  for await (const line of { [Symbol.asyncIterator]: () => output }) lines.push(line);
  const [code, signal] = await exited;
  if (code !== 0) throw new Error(`${script}: ended with ${code ?? signal}`);
  counted.move();
  return { counting, lines };
}
