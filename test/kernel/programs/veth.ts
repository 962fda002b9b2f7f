import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

interface Veth extends Disposable {
  /** What is sent out of one of them the other receives. */
  readonly names: readonly [string, string];
}

let made = 0;

/** A pair of network interfaces in this network namespace, on which nothing is sent that a test doesn't send. */
export function veth(): Veth {
  const name = `ebm${process.pid % 1_000_000}x${made++}`;
  const names = [`${name}a`, `${name}b`] as const;
  ip('link', 'add', names[0], 'type', 'veth', 'peer', 'name', names[1]);
  for (const one of names) {
    // Else it looks for neighbours and routers by itself.
    writeFileSync(`/proc/sys/net/ipv6/conf/${one}/disable_ipv6`, '1');
    ip('link', 'set', one, 'up');
  }
  return { names, [Symbol.dispose]: () => ip('link', 'delete', names[0]) };
}

/** Whether an XDP program is attached to it, as `ip link` tells. */
export function hasXdp(name: string): boolean {
  return JSON.parse(ip('-j', 'link', 'show', 'dev', name))[0].xdp !== undefined;
}

function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}
