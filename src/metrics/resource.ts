import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { ExporterConfig } from '../config/exporter/configuration.ts';
import { uuidV5 } from './uuid.ts';

/** What the resource needs to know of this process and its host. */
export interface HostFacts {
  /** The exporter's own version. */
  readonly version: string;
  readonly hostName: string;
  /** /proc/sys/kernel/random/boot_id: differs between hosts even where an image has a machine-id baked in; undefined: it isn't shown. */
  readonly bootId: string | undefined;
}

/** The namespace for a service.instance.id: semantic conventions 1.44.0, registry, service. */
const instanceNamespace = '4d63009a-8d0f-11ee-aad7-4c796ed8e320';

/**
 * The resource of everything that is exported: service.name, service.version, service.instance.id, host.name and
 * telemetry.sdk.*, where neither the configuration nor what was detected says otherwise. The instance's id is a UUID that stays over restarts
 * of the exporter and differs between hosts and service names; without it their series would collide. The host's name is
 * the one that is exported: in a container, that of the process is new with each of its pods.
 */
export function exporterResource(
  { resourceAttributes, resourceSchemaUrl }: Pick<ExporterConfig, 'resourceAttributes' | 'resourceSchemaUrl'>,
  { version, hostName, bootId }: HostFacts,
  detected: ExporterConfig['resourceAttributes'] = {},
): Resource {
  const name = String(resourceAttributes['service.name'] ?? 'ebpf-meter');
  const host = String(resourceAttributes['host.name'] ?? detected['host.name'] ?? hostName);
  const attributes = {
    'service.name': name,
    'service.version': version,
    'service.instance.id': uuidV5(instanceNamespace, [bootId ?? '', host, name].join('\n')),
    'host.name': hostName,
    ...detected,
    ...resourceAttributes,
  };
  const schema = resourceSchemaUrl === undefined ? {} : { schemaUrl: resourceSchemaUrl };
  return defaultResource().merge(
    resourceFromAttributes(attributes as Parameters<typeof resourceFromAttributes>[0], schema),
  );
}
