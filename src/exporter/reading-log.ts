import type { Log } from '../log.ts';
import type { Clock } from '../metrics/clock.ts';
import type { FillLevel } from '../metrics/map-cache.ts';
import type { CpuUnwatched, MapLoss } from '../metrics/own/health.ts';
import type { Reading } from '../metrics/rows.ts';

/** The maps' fill levels, which Store tells. */
interface FillLevels {
  fillLevels(): Iterable<FillLevel & { readonly program: string }>;
}

/** Keys that could not be decoded, and keys beyond a limit, which Tallies counts. */
interface KeyLosses {
  overflows(): Iterable<{ readonly program: string; readonly table: string }>;
  decodeErrors(): Iterable<{ readonly program: string; readonly table: string; readonly label: string }>;
}

/**
 * Logs what is wrong with readings when it begins and when it ends, however many lie between: a map that can't be read,
 * one that is full and drops what is new. Labels that can't be decoded and events that maps without C have missed are
 * logged once, and each time that the clock was set back.
 */
export function readingLog(
  log: Log,
  maps: FillLevels,
  tallies: KeyLosses,
  clock: Pick<Clock, 'steps'>,
  losses: () => Iterable<MapLoss> = () => [],
  unwatched: () => Iterable<CpuUnwatched> = () => [],
): (reading: Reading) => void {
  let before: readonly string[] = [];
  let steps = 0;
  return (reading) => {
    const troubles = [...reading.errors.map(({ message }) => message), ...fullMaps(maps)];
    for (const trouble of troubles) log.once(trouble, trouble);
    for (const trouble of before) if (!troubles.includes(trouble)) log.over(trouble, `no longer: ${trouble}`);
    before = troubles;
    for (; steps < clock.steps.length; steps++) {
      const seconds = clock.steps[steps]!.byMs / 1000;
      log.warn(
        `the clock was set back by ${seconds} s: what began later than it says now is said to have begun earlier`,
      );
    }
    for (const { program, table, label } of tallies.decodeErrors()) {
      const trouble = `${program}: map "${table}": label "${label}": can't be decoded from some keys, which are left out`;
      log.once(trouble, trouble);
    }
    for (const { program, table } of tallies.overflows()) {
      const trouble = `${program}: map "${table}": more series than its cardinality limit: those that came last are summed into the one with otel.metric.overflow`;
      log.once(trouble, trouble);
    }
    for (const { program, map, reason, count } of losses()) {
      const trouble = `${program}: map "${map}": events are missing in it (${reason}), see ebpf_meter.map.lost`;
      if (count > 0) log.once(trouble, trouble);
    }
    for (const { program, part, milliseconds } of unwatched()) {
      const trouble = `${program}: "${part}": a CPU came online, whose first second or less is missing in it, see ebpf_meter.cpu.unwatched`;
      if (milliseconds > 0) log.once(trouble, trouble);
    }
  };
}

function* fullMaps(maps: FillLevels): Iterable<string> {
  for (const { program, map, capacity, isDropping } of maps.fillLevels()) {
    if (isDropping)
      yield `${program}: map "${map}": full with ${capacity} entries: events of further keys are not in it`;
  }
}
