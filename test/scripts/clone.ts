import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const repository = new URL('../..', import.meta.url).pathname;

/** A clone in a temporary folder with the real set-up scripts, whose PATH holds only commands that the test wrote. */
export class Clone implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'ebpf-meter-setup-'));

  constructor() {
    cpSync(join(repository, 'scripts'), join(this.folder, 'scripts'), { recursive: true });
    this.write('package.json', '{"engines": {"node": ">=24"}}');
    this.write('package-lock.json', '{}');
    this.write('node_modules/.package-lock.json', '{}');
    this.write('system/usr/lib64/libbpf.so.1', '');
    this.write('system/usr/include/bpf/bpf_helpers.h', '');
    this.write('programs/include/types.bpf.h', '');
    for (const file of ['package-lock.json', 'programs/include/types.bpf.h', 'scripts/setup/programs.mjs']) {
      this.age(file, 3600);
    }
    // Children that run as another user read it too.
    chmodSync(this.folder, 0o777);
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), text);
  }

  /** A shell script on PATH that appends its arguments to NAME.calls and then runs these lines. */
  command(name: string, ...lines: string[]): void {
    this.write(`bin/${name}`, `#!/bin/sh\necho "$@" >> ${this.path(`${name}.calls`)}\n${lines.join('\n')}\n`);
    chmodSync(this.path(`bin/${name}`), 0o755);
  }

  /** A compiler that writes what it was given as its last argument. */
  clang(name = 'clang-16'): void {
    this.command(
      name,
      'if [ "$1" = --version ]; then echo "clang version 16.0.6"; exit 0; fi',
      'for file; do :; done',
      'echo object > "$file"',
    );
  }

  age(file: string, seconds: number): void {
    const time = Date.now() / 1000 - seconds;
    utimesSync(this.path(file), time, time);
  }

  remove(file: string): void {
    rmSync(this.path(file), { recursive: true });
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  has(file: string): boolean {
    return existsSync(this.path(file));
  }

  setUp({ args = [] as string[], uid = undefined as number | undefined } = {}): {
    status: number | null;
    said: string;
  } {
    // Dropped from inside, since this Node may lie in a folder that only root may enter.
    const drop =
      uid === undefined ? [] : ['--import', `data:text/javascript,process.setgid(${uid});process.setuid(${uid})`];
    const { status, stdout, stderr } = spawnSync(process.execPath, [...drop, this.path('scripts/setup.mjs'), ...args], {
      env: { PATH: this.path('bin'), SETUP_SYSROOT: this.path('system') },
      encoding: 'utf8',
    });
    return { status, said: stdout + stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
