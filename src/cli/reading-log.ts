import type { Log } from '../log.ts';
import type { MapLoss } from '../metrics/health.ts';
import type { Reading } from '../metrics/rows.ts';
import type { FillLevel } from '../metrics/source.ts';

/** Behind the wall clock by more than this, times in the data stand still since it was set back. */
const CLOCK_STEP_MS = 1000;

/** The maps' fill levels, which Store tells. */
export interface FillLevels {
  fillLevels(): Iterable<FillLevel & { readonly program: string }>;
}

/** Keys that could not be decoded, and keys beyond a limit, which Tallies counts. */
export interface KeyLosses {
  overflows(): Iterable<{ readonly program: string; readonly table: string }>;
  decodeErrors(): Iterable<{ readonly program: string; readonly table: string; readonly label: string }>;
}

/**
 * Logs what is wrong with readings when it begins and when it ends, however many lie between: a map that can't be read,
 * one that is full and drops what is new, a clock that was set back. Labels that can't be decoded and events that maps
 * without C have missed are logged once.
 */
export function readingLog(
  log: Log,
  maps: FillLevels,
  tallies: KeyLosses,
  now: () => number = Date.now,
  losses: () => Iterable<MapLoss> = () => [],
): (reading: Reading) => void {
  let before: readonly string[] = [];
  return (reading) => {
    const troubles = [...reading.errors.map(({ message }) => message), ...fullMaps(maps), ...clockStep(reading, now())];
    for (const trouble of troubles) log.once(trouble, trouble);
    for (const trouble of before) if (!troubles.includes(trouble)) log.over(trouble, `no longer: ${trouble}`);
    before = troubles;
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
  };
}

function* fullMaps(maps: FillLevels): Iterable<string> {
  for (const { program, map, capacity, isDropping } of maps.fillLevels()) {
    if (isDropping)
      yield `${program}: map "${map}": full with ${capacity} entries: events of further keys are not in it`;
  }
}

function* clockStep({ time: [seconds, nanoseconds] }: Reading, now: number): Iterable<string> {
  if (seconds * 1000 + nanoseconds / 1e6 > now + CLOCK_STEP_MS) {
    yield 'the clock was set back: the times in OTLP data stand still until it has caught up';
  }
}
