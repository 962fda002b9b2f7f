import { scopeName } from '../config/scope.ts';

/** The instrumentation scope of everything that ebpf-meter exports, its own instruments included. */
export const SCOPE_NAME = scopeName;
