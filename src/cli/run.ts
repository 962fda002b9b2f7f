import { inBackground } from '../background.ts';
import { startSession } from '../exporter/session.ts';
import { dropCode } from '../libbpf/drop-code.ts';
import { trimMemory } from '../libbpf/trim.ts';
import { configure } from './configuration.ts';
import type { Options } from './options.ts';
import { giveUpCapabilities } from './rights.ts';
import { endingSignal } from './signals.ts';

/** Runs until a signal comes. */
export async function run(options: Options): Promise<number> {
  const signal = endingSignal();
  const { config, log } = await configure(options);
  if (config.disabled) {
    log.warn('disabled by the configuration (disabled: true, or OTEL_SDK_DISABLED): nothing is measured');
    return 0;
  }
  const session = await startSession(config, log);
  await giveUpCapabilities(config, session.opensPerfEvents, log);
  tidy();
  // When the first scrapes and exports have come, and their code is compiled.
  setTimeout(() => inBackground('memory', tidy), 60_000).unref();
  log.info(`running after ${Math.round(performance.now())} ms, until SIGINT or SIGTERM`);

  log.info(`${await signal}: ending`);
  await session.close();
  return 0;
}

/** Gives memory back that was only needed so far. */
function tidy(): void {
  trimMemory();
  dropCode();
}
