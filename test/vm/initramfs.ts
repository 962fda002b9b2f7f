import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Kernel, moduleFiles } from './kernels.ts';

/** What reaching the machine's files and the serial ports takes. */
const modules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_console', 'virtio_rng'];

/** Writes what the kernel starts: busybox, its modules and init.sh, as cpio(5) archive. */
export function writeInitramfs(kernel: Kernel, path: string): void {
  const tree = mkdtempSync(join(tmpdir(), 'ebpf-meter-initramfs-'));
  try {
    for (const folder of ['bin', 'modules', 'dev', 'proc', 'sys', 'machine', 'changes', 'new'])
      mkdirSync(join(tree, folder));
    const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
    copyFileSync(busybox, join(tree, 'bin/busybox'));
    const files = new Set(modules.flatMap((module) => moduleFiles(kernel, module)));
    const order = [...files].map((file) => {
      const name = basename(file, '.xz');
      writeFileSync(join(tree, 'modules', name), file.endsWith('.xz') ? unxz(file) : readFileSync(file));
      return name;
    });
    writeFileSync(join(tree, 'modules/order'), `${order.join('\n')}\n`);
    writeFileSync(join(tree, 'init'), readFileSync(join(import.meta.dirname, 'init.sh')), { mode: 0o755 });
    const archive = execFileSync('sh', ['-c', 'find . | busybox cpio -o -H newc 2>/dev/null'], {
      cwd: tree,
      maxBuffer: 2 ** 28,
    });
    writeFileSync(path, archive);
  } finally {
    rmSync(tree, { recursive: true });
  }
}

function unxz(file: string): Buffer {
  return execFileSync('xz', ['--decompress', '--stdout', file], { maxBuffer: 2 ** 28 });
}
