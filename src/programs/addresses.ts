import type { ProgramPlan } from '../config/plan.ts';
import { MeterError } from '../errors.ts';
import { symbolAddresses } from '../kernel/symbol-addresses.ts';

/**
 * The addresses that .rodata variables are given before load, by variable. A program that is told a wrong address counts
 * something else, so it isn't loaded: throws MeterError('load') where the kernel has no such symbol, or doesn't tell it.
 */
export function addressConstants({ name, addresses = new Map() }: ProgramPlan): ReadonlyMap<string, bigint> {
  if (addresses.size === 0) return new Map();
  const { found, hidden } = readAddresses(name, addresses.values());
  return new Map(
    [...addresses].map(([constant, symbol]) => {
      const address = found.get(symbol);
      if (address !== undefined) return [constant, address] as const;
      const cause = hidden ? 'the kernel shows no addresses to this process' : 'this kernel has no such symbol';
      const remedy = hidden
        ? 'Grant CAP_SYSLOG, and set the sysctl kernel.kptr_restrict to 0 or 1'
        : `Look for its name on this kernel: grep ${symbol} /proc/kallsyms. Data is there only with CONFIG_KALLSYMS_ALL`;
      throw new MeterError('load', `${name}: kaddrs: "${symbol}": ${cause}`, { remedy });
    }),
  );
}

function readAddresses(program: string, symbols: Iterable<string>) {
  try {
    return symbolAddresses(symbols);
  } catch (cause) {
    throw new MeterError('load', `${program}: kaddrs: /proc/kallsyms: ${(cause as Error).message}`, { cause });
  }
}
