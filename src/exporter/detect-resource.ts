import type { DetectedResource, ResourceDetector } from '@opentelemetry/resources';
import type { DetectionConfig, DetectorName, ResourceValue } from '../config/exporter/configuration.ts';
import { chosenBy } from '../config/names/wildcard.ts';
import { MeterError } from '../errors.ts';

/** What the machine says of itself, as far as the configuration asks. */
interface Detected {
  readonly attributes: Readonly<Record<string, ResourceValue>>;
  /** Detectors that failed. */
  readonly errors: readonly MeterError[];
}

/**
 * Runs the detectors that are configured, and imports only these. The service's are those that every resource of ours
 * has: its name and the instance's id. Of an attribute that two find, the later detector's is taken.
 */
export async function detectResource(detection: DetectionConfig | undefined): Promise<Detected> {
  const attributes: Record<string, ResourceValue> = {};
  const errors: MeterError[] = [];
  const isWanted = chosenBy(detection?.attributes ?? {});
  for (const name of detection?.detectors ?? []) {
    for (const detector of await detectorsOf(name)) {
      try {
        for (const [key, value] of await foundBy(detector.detect())) if (isWanted(key)) attributes[key] = value;
      } catch (cause) {
        errors.push(new MeterError('config', `resource detector "${name}": ${(cause as Error).message}`, { cause }));
      }
    }
  }
  return { attributes, errors };
}

async function foundBy({ attributes = {} }: DetectedResource): Promise<[string, ResourceValue][]> {
  const found: [string, ResourceValue][] = [];
  for (const [name, promised] of Object.entries(attributes)) {
    const value = await promised;
    // Those that know nothing give an empty text.
    if (value !== undefined && value !== null && value !== '') found.push([name, value as ResourceValue]);
  }
  return found;
}

async function detectorsOf(name: DetectorName): Promise<readonly ResourceDetector[]> {
  if (name === 'service') return [];
  if (name === 'container') {
    const { containerDetector } = await import('@opentelemetry/resource-detector-container');
    return [containerDetector];
  }
  const { hostDetector, osDetector, processDetector } = await import('@opentelemetry/resources');
  switch (name) {
    case 'host':
      // The schema's `host` is about the operating system too.
      return [hostDetector, osDetector];
    case 'os':
      return [osDetector];
    case 'process':
      return [processDetector];
  }
}
