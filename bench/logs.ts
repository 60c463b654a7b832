import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type LineFacts, lineFacts, logLine } from './log-lines.ts';
import {
  exportRequest,
  podAttributes,
  type Service,
  type ServiceRecords,
  services,
  writeAttributes,
} from './otlp-fields.ts';
import { batchRecords, type DataRange, type Payload, type PayloadSet, timeNsOf } from './payload.ts';
import { Random } from './random.ts';

export interface LogFacts {
  readonly range: DataRange;
  /** Stands in exactly one line. */
  readonly needle: string;
  /** Records of each service. */
  readonly ofService: ReadonlyMap<Service, number>;
}

const severity = { INFO: 9, WARN: 13, ERROR: 17 } as const;
const needle = 'trace-b1e55edfacade';
/** A sender batches what a few of its neighbours wrote: resources of one request. */
const resourcesPerBatch = 4;
/** A program writes a few lines about each request that it serves; they have one span. */
const linesPerRequest = 4;

/** OTLP log records in protobuf: lines of about 200 bytes, 10 attributes with their resource's five. */
export function makeLogs(count: number, range: DataRange): PayloadSet<LogFacts> {
  const random = new Random(1);
  const ofService = new Map<Service, number>();
  const payloads: Payload[] = [];
  const needleAt = Math.floor(count / 3);
  for (let from = 0; from < count; from += batchRecords) {
    const records = Math.min(batchRecords, count - from);
    const perResource = Math.ceil(records / resourcesPerBatch);
    const resources: ServiceRecords[] = [];
    for (let start = from; start < from + records; start += perResource) {
      const service = random.pick(services);
      const end = Math.min(start + perResource, from + records);
      ofService.set(service, (ofService.get(service) ?? 0) + end - start);
      const encoded: Uint8Array[] = [];
      let request = requestIds(random);
      for (let index = start; index < end; index++) {
        if ((index - start) % linesPerRequest === 0) request = requestIds(random);
        encoded.push(logRecord(random, request, timeNsOf(range, index, count), index === needleAt));
      }
      resources.push({ attributes: podAttributes(service, random), records: encoded });
    }
    payloads.push({ body: exportRequest(resources), records });
  }
  return { path: '/v1/logs', headers, payloads, facts: { range, needle, ofService } };
}

/** A request of one record by which the way from acknowledged to queryable is measured. */
export function logMarker(text: string, timeMs: number): Uint8Array {
  const record = new BinaryWriter();
  record.tag(1, WireType.Bit64).fixed64(BigInt(timeMs) * 1_000_000n);
  writeBody(record, text);
  return exportRequest([{ attributes: { 'service.name': 'marker' }, records: [record.finish()] }]);
}

const headers = { 'content-type': 'application/x-protobuf' };

interface RequestIds {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
}

function requestIds(random: Random): RequestIds {
  return { traceId: random.bytes(16), spanId: random.bytes(8) };
}

function logRecord(
  random: Random,
  { traceId, spanId }: RequestIds,
  timeNs: bigint,
  holdsNeedle: boolean,
): Uint8Array {
  const facts = lineFacts(random, Number(timeNs / 1_000_000n));
  const line = logLine(facts, random);
  const record = new BinaryWriter();
  record.tag(1, WireType.Bit64).fixed64(timeNs);
  record.tag(2, WireType.Varint).int32(severity[facts.level]);
  record.tag(3, WireType.LengthDelimited).string(facts.level);
  writeBody(record, holdsNeedle ? `${line} ${needle}` : line);
  writeAttributes(record, 6, recordAttributes(facts, random));
  record.tag(9, WireType.LengthDelimited).bytes(traceId);
  record.tag(10, WireType.LengthDelimited).bytes(spanId);
  record.tag(11, WireType.Bit64).fixed64(timeNs + 1_000_000n);
  return record.finish();
}

function recordAttributes({ method, route, status, user }: LineFacts, random: Random) {
  return {
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': status,
    'user.id': `u${user}`,
    'thread.name': `worker-${random.below(16)}`,
  };
}

function writeBody(record: BinaryWriter, text: string): void {
  record.tag(5, WireType.LengthDelimited).fork();
  record.tag(1, WireType.LengthDelimited).string(text);
  record.join();
}
