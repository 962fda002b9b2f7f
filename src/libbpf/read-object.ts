import { checkObject, type ObjectFacts } from '../elf/check.ts';
import { MeterError } from '../errors.ts';
import { readUserFile } from '../user-file.ts';
import { describe, LibbpfError } from './error.ts';

/** Of an object that isn't one, or that libbpf refuses. */
export const compileAgain =
  'Compile it again: clang -target bpf -O2 -g -c NAME.bpf.c -o NAME.bpf.o, with its maps in SEC(".maps")';

/**
 * The bytes of a BPF object's file, checked for what libbpf takes for granted and would end the process by.
 * Throws MeterError('object') that names the file.
 */
export function readObject(path: string): ObjectFacts & { readonly file: Uint8Array } {
  const file = read(path);
  try {
    return { file, ...checkObject(file) };
  } catch (cause) {
    if (!(cause instanceof MeterError)) throw cause;
    throw new MeterError('object', `${path}: ${cause.message}`, { cause, remedy: compileAgain });
  }
}

function read(path: string): Uint8Array {
  try {
    return readUserFile(path);
  } catch (cause) {
    const { errno, message } = cause as NodeJS.ErrnoException;
    const remedy = 'Check the path and the rights to it, or compile the object';
    if (errno === undefined) throw new MeterError('object', `${path}: ${message}`, { cause, remedy });
    throw describe('object', path, new LibbpfError('open', -errno, []), remedy);
  }
}
