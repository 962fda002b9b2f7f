import type { AttachTarget } from './attach/kind.ts';
import { describe, errnoName, LibbpfError } from './error.ts';
import { programFd } from './handles.ts';
import { libbpf } from './library.ts';

const testRun = libbpf<(fd: number, options: ArrayBufferView) => number>(
  'int bpf_prog_test_run_opts(int prog_fd, void *opts)',
);

/** struct bpf_test_run_opts of bpf.h: its size first, `flags` at 68, `cpu` at 72. */
const options = new DataView(new ArrayBuffer(80));
options.setBigUint64(0, 80n, true);
/** BPF_F_TEST_RUN_ON_CPU of include/uapi/linux/bpf.h. */
options.setUint32(68, 1, true);

/**
 * Runs a loaded program of the section `raw_tp` once on that CPU, in an interrupt of the task that runs there, without a
 * context (since Linux 5.10, commit 1b4d60ec162f). False where the CPU is not online. Throws MeterError('map').
 */
export function runOnCpu({ subject, program }: AttachTarget, cpu: number): boolean {
  options.setUint32(72, cpu, true);
  const result = testRun(programFd(program), options);
  if (result >= 0) return true;
  if (errnoName(-result) === 'ENXIO') return false;
  throw describe('map', subject, new LibbpfError('bpf_prog_test_run_opts', -result, []));
}
