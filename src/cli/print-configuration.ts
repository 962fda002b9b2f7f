import { configYaml } from '../config/exporter/print.ts';
import { configure } from './configuration.ts';
import type { Options } from './options.ts';
import { print } from './output.ts';

/** Prints the effective configuration as a file that would make it, without its secrets; nothing is loaded. */
export async function printConfiguration(options: Options): Promise<number> {
  const { config } = await configure(options);
  print(configYaml(config));
  return 0;
}
