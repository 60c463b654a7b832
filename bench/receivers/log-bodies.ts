import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { compress } from 'snappyjs';
import { lineFacts, logLine } from '../log-lines.ts';
import { podAttributes, services } from '../otlp-fields.ts';
import { batchRecords, type DataRange, type PayloadSet, timeNsOf } from '../payload.ts';
import { Random } from '../random.ts';

// The lines of `npm run bench`, as other senders than OTLP's protobuf bear them.

/** Of one sender: a pod's labels, and its records of one request. */
interface Batch {
  readonly resource: Readonly<Record<string, string | number | boolean>>;
  readonly records: readonly LogRecord[];
}

interface LogRecord {
  readonly timeNs: bigint;
  readonly line: string;
  readonly level: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly method: string;
  readonly user: string;
  readonly status: number;
}

function makeBodies(
  count: number,
  range: DataRange,
  way: { path: string; headers: Readonly<Record<string, string>>; encode: (batch: Batch) => Uint8Array },
): PayloadSet<undefined> {
  const random = new Random(1);
  const batches = Array.from({ length: Math.ceil(count / batchRecords) }, (_, index) => {
    const from = index * batchRecords;
    const records = Array.from({ length: Math.min(batchRecords, count - from) }, (_record, place) =>
      logRecord(random, timeNsOf(range, from + place, count)),
    );
    return { resource: podAttributes(random.pick(services), random), records };
  });
  const payloads = batches.map((batch) => ({ body: way.encode(batch), records: batch.records.length }));
  return { path: way.path, headers: way.headers, payloads, facts: undefined };
}

function logRecord(random: Random, timeNs: bigint): LogRecord {
  const facts = lineFacts(random, Number(timeNs / 1_000_000n));
  return {
    timeNs,
    line: logLine(facts, random),
    level: facts.level,
    traceId: random.bytes(16).toString('hex'),
    spanId: random.bytes(8).toString('hex'),
    method: facts.method,
    user: `u${facts.user}`,
    status: facts.status,
  };
}

const json = { 'content-type': 'application/json' };

/** OTLP log records in JSON. */
export function otlpLogsJson(count: number, range: DataRange): PayloadSet<undefined> {
  return makeBodies(count, range, { path: '/v1/logs', headers: json, encode: otlpJson });
}

function otlpJson({ resource, records }: Batch): Uint8Array {
  const logRecords = records.map(({ timeNs, line, level, traceId, spanId, method, user, status }) => ({
    timeUnixNano: String(timeNs),
    severityNumber: level === 'INFO' ? 9 : level === 'WARN' ? 13 : 17,
    severityText: level,
    body: { stringValue: line },
    attributes: [
      { key: 'http.request.method', value: { stringValue: method } },
      { key: 'http.response.status_code', value: { intValue: String(status) } },
      { key: 'user.id', value: { stringValue: user } },
    ],
    traceId,
    spanId,
  }));
  const attributes = Object.entries(resource).map(([key, value]) => ({
    key,
    value: { stringValue: String(value) },
  }));
  const scopeLogs = [{ scope: { name: 'shop', version: '1.4.2' }, logRecords }];
  return Buffer.from(JSON.stringify({ resourceLogs: [{ resource: { attributes }, scopeLogs }] }));
}

/** Loki's push in JSON, with a trace id as structured metadata. */
export function lokiPushJson(count: number, range: DataRange): PayloadSet<undefined> {
  const encode = ({ resource, records }: Batch) => {
    const values = records.map(({ timeNs, line, traceId }) => [String(timeNs), line, { trace_id: traceId }]);
    return Buffer.from(JSON.stringify({ streams: [{ stream: lokiLabels(resource), values }] }));
  };
  return makeBodies(count, range, { path: '/loki/api/v1/push', headers: json, encode });
}

/** The same as snappy-compressed protobuf, which Promtail and Alloy send. */
export function lokiPushProtobuf(count: number, range: DataRange): PayloadSet<undefined> {
  const headers = { 'content-type': 'application/x-protobuf' };
  return makeBodies(count, range, { path: '/loki/api/v1/push', headers, encode: pushRequest });
}

function pushRequest({ resource, records }: Batch): Uint8Array {
  const labels = Object.entries(lokiLabels(resource)).map(([name, value]) => `${name}="${value}"`);
  const request = new BinaryWriter();
  request.tag(1, WireType.LengthDelimited).fork();
  request.tag(1, WireType.LengthDelimited).string(`{${labels.join(', ')}}`);
  for (const { timeNs, line, traceId } of records) {
    request.tag(2, WireType.LengthDelimited).fork();
    request.tag(1, WireType.LengthDelimited).fork();
    request.tag(1, WireType.Varint).int64(timeNs / 1_000_000_000n);
    request.tag(2, WireType.Varint).int32(Number(timeNs % 1_000_000_000n));
    request.join();
    request.tag(2, WireType.LengthDelimited).string(line);
    request.tag(3, WireType.LengthDelimited).fork();
    request.tag(1, WireType.LengthDelimited).string('trace_id');
    request.tag(2, WireType.LengthDelimited).string(traceId);
    request.join().join();
  }
  request.join();
  return compress(request.finish());
}

function lokiLabels(resource: Batch['resource']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(resource).map(([key, value]) => [key.replaceAll('.', '_'), String(value)]),
  );
}
