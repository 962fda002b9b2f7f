import { readFileSync } from 'node:fs';
import { MeterError } from '../../errors.ts';
import { pointerOrThrow } from '../error.ts';
import { addressOf, keep, libbpf, libbpfVersion, type Pointer } from '../library.ts';
import { linkOf } from '../link.ts';
import type { AttachKind } from './kind.ts';

const attachUprobe = libbpf<(program: Pointer, pid: number, path: string, offset: number, options: number) => Pointer>(
  'void *bpf_program__attach_uprobe_opts(void *prog, int pid, const char *binary_path, size_t func_offset, uintptr_t opts)',
);

/** struct bpf_uprobe_opts of libbpf.h: size_t sz, size_t ref_ctr_offset, __u64 bpf_cookie, bool retprobe, const char *func_name. */
const uprobeOptions = { size: 40, onReturn: 24, functionName: 32 };

const section = /^(uprobe|uretprobe)(\.s)?\/\/proc\/self\/exe:post_attach_mark$/;

/** What stands for ebpf_exporter's `post_attach_mark` here, which node has not: a function that nothing calls meanwhile. */
const markedFunction = 'libbpf_version_string';

/** pid 0 is the own process (bpf_program__attach_uprobe_opts in libbpf.h). */
const ownProcess = 0;

/**
 * `uprobe//proc/self/exe:post_attach_mark`, ebpf_exporter's way for a program to begin with values: the exporter calls that
 * function of its own once, when all programs are attached: markAttached. Attached for this process alone.
 */
export const postAttachMark: AttachKind = {
  name: 'post_attach_mark',
  takes: (name) => section.test(name),
  attach({ subject, section: name, program }) {
    const path = ownLibrary(subject);
    const functionName = Buffer.from(`${markedFunction}\0`);
    const options = new DataView(new ArrayBuffer(uprobeOptions.size));
    options.setBigUint64(0, BigInt(uprobeOptions.size), true);
    options.setUint8(uprobeOptions.onReturn, name.replace(/^\?/, '').startsWith('uret') ? 1 : 0);
    options.setBigUint64(uprobeOptions.functionName, BigInt(addressOf(functionName)), true);
    const called = `bpf_program__attach_uprobe_opts ${path}:${markedFunction}`;
    const call = () => attachUprobe(program, ownProcess, path, 0, addressOf(options));
    const pointer = pointerOrThrow('attach', subject, called, call);
    keep(options, functionName);
    return linkOf(pointer);
  },
};

/** Calls the programs of such a section once; given the sections of all that are attached. */
export function markAttached(sections: readonly string[]): void {
  if (sections.some((name) => section.test(name.replace(/^\?/, '')))) libbpfVersion();
}

/** The file that libbpf was loaded from. */
function ownLibrary(subject: string): string {
  const found = /\s(\/\S.*\/libbpf\.so[.\d]*)( \(deleted\))?$/m.exec(readFileSync('/proc/self/maps', 'utf8'));
  if (found !== null && found[2] === undefined) return found[1]!;
  const why = found === null ? '/proc/self/maps does not name libbpf' : `${found[1]} was replaced since it was loaded`;
  throw new MeterError('attach', `${subject}: ${why}`, { remedy: 'Start ebpf-meter again' });
}
