import { join } from 'node:path';
import protobuf from 'protobufjs';

const root = protobuf.loadSync(join(import.meta.dirname, 'metric-family.proto'));
const type = root.lookupType('io.prometheus.client.MetricFamily');

export interface DecodedTimestamp {
  readonly seconds: string;
  readonly nanos: number;
}

interface DecodedHistogram {
  readonly sampleCount: string;
  readonly sampleSum: number;
  readonly bucket?: readonly { readonly cumulativeCount: string; readonly upperBound: number }[];
  readonly schema?: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: string;
  readonly positiveSpan?: readonly { readonly offset: number; readonly length: number }[];
  readonly positiveDelta?: readonly string[];
  readonly createdTimestamp?: DecodedTimestamp;
}

interface DecodedMetric {
  readonly label?: readonly { readonly name: string; readonly value: string }[];
  readonly gauge?: { readonly value: number };
  readonly counter?: { readonly value: number; readonly createdTimestamp: DecodedTimestamp };
  readonly histogram?: DecodedHistogram;
}

interface DecodedFamily {
  readonly name: string;
  readonly help: string;
  /** 0 counter, 1 gauge, 4 histogram. */
  readonly type: number;
  readonly unit?: string;
  readonly metric: readonly DecodedMetric[];
}

/** The MetricFamily messages of a page, each with its length in front; 64-bit integers as text. Throws where it isn't whole. */
export function decodeFamilies(page: Uint8Array): DecodedFamily[] {
  const reader = protobuf.Reader.create(page);
  const families: DecodedFamily[] = [];
  while (reader.pos < reader.len) {
    const message = type.decodeDelimited(reader);
    families.push(type.toObject(message, { longs: String }) as unknown as DecodedFamily);
  }
  return families;
}
