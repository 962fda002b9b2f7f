import { decodeFamilies } from '../../test/helpers/metric-families.ts';
import { type Case, SLOTS } from './cases.ts';

/** The same of a page in protobuf. */
export function checkFamilies(body: Buffer, bench: Pick<Case, 'entries' | 'kind' | 'name'>, expected: number): void {
  const name = bench.kind === 'counters' ? 'ebpf_bench_counter_total' : 'ebpf_bench_latency_seconds';
  const metrics = decodeFamilies(body).find((family) => family.name === name)?.metric ?? [];
  const total = metrics.reduce(
    (sum, { counter, histogram }) => sum + (counter?.value ?? Number(histogram?.sampleCount)),
    0,
  );
  if (metrics.length !== bench.entries || total !== expected) {
    throw new Error(`${bench.name}: ${metrics.length} series of ${bench.entries}, total ${total} of ${expected}`);
  }
}

/** Throws where a page does not show every entry with its number: a fast page that is wrong is worth nothing. */
export function checkPage(body: Buffer, bench: Pick<Case, 'entries' | 'kind' | 'name'>, expected: number): void {
  const line = bench.kind === 'counters' ? 'ebpf_bench_counter_total{' : 'ebpf_bench_latency_seconds_count{';
  let series = 0;
  let total = 0;
  let lines = 0;
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf(10, start);
    lines++;
    if (startsWith(body, start, line)) {
      series++;
      total += Number(body.toString('latin1', body.lastIndexOf(32, end) + 1, end));
    }
    start = end + 1;
  }
  const wanted = bench.kind === 'counters' ? bench.entries : bench.entries * (SLOTS + 2);
  if (series !== bench.entries || total !== expected || lines < wanted) {
    throw new Error(
      `${bench.name}: ${series} series of ${bench.entries}, total ${total} of ${expected}, ${lines} lines`,
    );
  }
}

function startsWith(body: Buffer, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (body[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
