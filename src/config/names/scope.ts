/** The name of the instrumentation scope, and so of the meter, of everything that ebpf-meter exports. */
export const scopeName = 'ebpf-meter';

/** The instrumentation scope that the metrics are in. */
export interface Scope {
  readonly name: string;
  readonly version: string;
}
