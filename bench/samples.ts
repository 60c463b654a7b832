import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { compress } from 'snappyjs';
import { services } from './otlp-fields.ts';
import { batchRecords, type DataRange, type Payload, type PayloadSet } from './payload.ts';
import { Random } from './random.ts';

export interface SampleFacts {
  readonly range: DataRange;
  /** Samples that each series has, one every {@link scrapeMs}. */
  readonly samplesPerSeries: number;
  /** A selector that exactly one series matches. */
  readonly oneSeries: string;
  readonly jobs: number;
}

export interface Series {
  /** Sorted by name, as the protocol wants them. */
  readonly labels: Readonly<Record<string, string>>;
  /** The same as encoded `Label` fields of remote write 1.0. */
  readonly encodedLabels: Uint8Array;
  readonly kind: 'counter' | 'gauge';
  /** By how much it changes each time, about: more for wider buckets, as theirs contain the narrower ones. */
  readonly step: number;
  value: number;
}

/** A version of remote write: what is sent with it, and the body of one sample each of some series. */
export interface RemoteWrite {
  readonly headers: Readonly<Record<string, string>>;
  readonly encode: (some: readonly Series[], timeMs: number) => Uint8Array;
}

const scrapeMs = 15_000;
const gaugeMiddle = 200e6;
const buckets = ['0.005', '0.01', '0.05', '0.1', '0.5', '1', '5', '+Inf'] as const;

const remoteWrite1: RemoteWrite = {
  headers: {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '0.1.0',
  },
  encode: writeRequest,
};

/**
 * Samples as remote write: every series once each 15 s up to the end of the range, in the order in
 * which a Prometheus scrapes them. A quarter each are counters, gauges, histogram buckets and counters again.
 */
export function makeSamples(
  count: number,
  seriesCount: number,
  range: DataRange,
  { headers, encode }: RemoteWrite = remoteWrite1,
): PayloadSet<SampleFacts> {
  const random = new Random(3);
  const all = Array.from({ length: seriesCount }, (_, index) => makeSeries(index));
  const samplesPerSeries = Math.max(1, Math.floor(count / seriesCount));
  const firstMs = range.toMs - samplesPerSeries * scrapeMs;
  const payloads: Payload[] = [];
  for (let scrape = 0; scrape < samplesPerSeries; scrape++) {
    const timeMs = firstMs + scrape * scrapeMs;
    for (let from = 0; from < seriesCount; from += batchRecords) {
      const some = all.slice(from, from + batchRecords);
      for (const series of some) advance(series, random);
      payloads.push({ body: encode(some, timeMs), records: some.length });
    }
  }
  return {
    path: '/api/v1/write',
    headers,
    payloads,
    facts: {
      range: { fromMs: firstMs, toMs: range.toMs },
      samplesPerSeries,
      oneSeries: 'http_requests_total{instance="10.0.0.0:8080",job="frontend",route="/r0"}',
      jobs: services.length,
    },
  };
}

/** A request of one sample by which the way from acknowledged to queryable is measured. */
export function sampleMarker(name: string, timeMs: number): Uint8Array {
  return writeRequest([{ ...seriesOf({ __name__: name }), kind: 'gauge', value: 1 }], timeMs);
}

function makeSeries(index: number): Series {
  const kind = index % 4;
  const number = Math.floor(index / 4);
  const job = services[number % services.length] ?? services[0];
  const rest = Math.floor(number / services.length);
  const place = { instance: `10.0.${(rest >> 4) & 255}.${rest & 15}:8080`, job };
  const route = `/r${rest >> 4}`;
  switch (kind) {
    case 0:
      return seriesOf({ __name__: 'http_requests_total', ...place, route });
    case 1: {
      const bucket = rest % buckets.length;
      const le = buckets[bucket] ?? '+Inf';
      const instance = `10.0.0.${Math.floor(rest / buckets.length)}:8080`;
      const labels = { __name__: 'http_request_duration_seconds_bucket', instance, job, le };
      return seriesOf(labels, (bucket + 1) * 100);
    }
    case 2:
      return {
        ...seriesOf({ __name__: 'process_resident_memory_bytes', ...place }),
        kind: 'gauge',
        value: gaugeMiddle,
      };
    default:
      return seriesOf({ __name__: 'network_receive_bytes_total', device: 'eth0', ...place });
  }
}

/** A counter that starts at 0. */
function seriesOf(labels: Readonly<Record<string, string>>, step = 100): Series {
  return { labels, encodedLabels: encodeLabels(labels), kind: 'counter', step, value: 0 };
}

function advance(series: Series, random: Random): void {
  const change = series.step - random.below(50);
  series.value = series.kind === 'counter' ? series.value + change : gaugeMiddle + change * 65_536;
}

function encodeLabels(labels: Readonly<Record<string, string>>): Uint8Array {
  const writer = new BinaryWriter();
  for (const [name, value] of Object.entries(labels)) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(name).tag(2, WireType.LengthDelimited).string(value);
    writer.join();
  }
  return writer.finish();
}

function writeRequest(some: readonly Series[], timeMs: number): Uint8Array {
  const request = new BinaryWriter();
  for (const { encodedLabels, value } of some) {
    request.tag(1, WireType.LengthDelimited).fork().raw(encodedLabels);
    request.tag(2, WireType.LengthDelimited).fork();
    request.tag(1, WireType.Bit64).double(value).tag(2, WireType.Varint).int64(timeMs);
    request.join().join();
  }
  return compress(request.finish());
}
