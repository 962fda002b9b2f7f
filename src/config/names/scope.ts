/** The name of the instrumentation scope, and so of the meter, of everything that ebpf-meter exports. */
export const scopeName = 'ebpf-meter';
