import koffi, { type LibraryHandle } from 'koffi';

type PrintLevel = 'warn' | 'info' | 'debug';
type PrintListener = (level: PrintLevel, line: string) => void;

/** In the order of enum libbpf_print_level. */
const levels: readonly PrintLevel[] = ['warn', 'info', 'debug'];

/** Where the verifier's log (of those who may see them) and libbpf show where a map or a variable of the kernel lies. */
const kernelAddress = /(\(18\) r\d+ = |\b(?:resolved|set) to )0xffff[0-9a-f]{12}\b/g;

/** libbpf's largest verifier log (UINT32_MAX >> 8) and a page for what stands around it. */
const longestMessage = (1 << 24) + 4096;

let collecting: string[] | undefined;
let listener: PrintListener | undefined;
let registered = false;

/**
 * Hands every message of libbpf to the listener, those of debug level too, from now on; undefined ends that.
 * Costs the formatting of hundreds of lines per object.
 */
export function listenToLibbpf(listen: PrintListener | undefined): void {
  listener = listen;
}

/** Runs `work` and returns with its result what libbpf said meanwhile at the levels warn and info, without its prefix. */
export function collectMessages<T>(work: () => T): { readonly result: T; readonly messages: readonly string[] } {
  const outer = collecting;
  const messages: string[] = [];
  collecting = messages;
  try {
    return { result: work(), messages };
  } finally {
    collecting = outer;
    outer?.push(...messages);
  }
}

/** A message of libbpf's without the addresses of the kernel's memory: logs are sent to where these must not be known. */
export function withoutAddresses(message: string): string {
  return message.replaceAll(kernelAddress, '$10x…');
}

/** Takes over libbpf's printing, which goes to stderr otherwise; called once, when the library is loaded. */
export function installPrint(libbpf: LibraryHandle, libc: LibraryHandle): void {
  if (registered) return;
  const malloc = libc.func('void *malloc(size_t size)');
  const free = libc.func('void free(void *memory)');
  const vsnprintf = libc.func('int vsnprintf(void *buffer, size_t size, const char *format, void *parameters)');
  const printFunction = koffi.pointer(koffi.proto('int', ['int', 'void *', 'void *']));
  const setPrint = libbpf.func('libbpf_set_print', 'void *', [printFunction]);

  const format = (text: bigint, parameters: bigint): string => {
    // A va_list can be read once, so there is no asking for the length first: the buffer is as large as
    // libbpf's largest message, and only the pages that are written to exist.
    const buffer = malloc(longestMessage);
    if (buffer === null) return '(no memory for a message of libbpf)';
    try {
      const length = vsnprintf(buffer, longestMessage, koffi.as(text, 'const char *'), parameters);
      return koffi.decode.string(buffer, Math.min(Math.max(length, 0), longestMessage - 1));
    } finally {
      free(buffer);
    }
  };

  // An exception would be lost in C and turn into a result of 0.
  const print = (level: number, text: bigint, parameters: bigint): number => {
    const name = levels[level] ?? 'debug';
    if (!listener && (name === 'debug' || !collecting)) return 0;
    try {
      const line = withoutAddresses(format(text, parameters))
        .replace(/^libbpf: /, '')
        .trimEnd();
      listener?.(name, line);
      if (name !== 'debug') collecting?.push(line);
    } catch (error) {
      collecting?.push(`(a message of libbpf could not be formatted: ${error})`);
    }
    return 0;
  };

  setPrint(koffi.register(print, printFunction));
  registered = true;
}
