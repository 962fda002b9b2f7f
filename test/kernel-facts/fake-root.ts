import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder that stands for / with what of /proc and /sys a test puts there. */
export class FakeRoot implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'ebpf-meter-root-'));

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.path, file)), { recursive: true });
    writeFileSync(join(this.path, file), text);
  }

  link(file: string, target: string): void {
    mkdirSync(dirname(join(this.path, file)), { recursive: true });
    symlinkSync(target, join(this.path, file));
  }

  remove(file: string): void {
    rmSync(join(this.path, file), { recursive: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}
