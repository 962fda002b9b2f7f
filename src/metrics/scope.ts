import type { InstrumentationScope } from '@opentelemetry/core';
import { scopeName } from '../config/scope.ts';

/** The instrumentation scope of everything that ebpf-meter exports, its own instruments included. */
export const SCOPE_NAME = scopeName;

/** The scope of one producer's metrics; its class tells an exporter that they are map-fed, so that attributes are text. */
export class MapFedScope implements InstrumentationScope {
  readonly name = SCOPE_NAME;
  readonly version: string;

  constructor(version: string) {
    this.version = version;
  }
}
