import { ConsoleMetricExporter, type PushMetricExporter } from '@opentelemetry/sdk-metrics';

/** Prints to standard output, for a look at what would be exported. */
export async function createConsoleExporter(): Promise<{ exporter: PushMetricExporter; describe: string }> {
  return { exporter: new ConsoleMetricExporter(), describe: 'console' };
}
