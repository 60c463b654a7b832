import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type AttributeValue,
  exportRequest,
  podAttributes,
  type Service,
  services,
  writeAttributes,
} from './otlp-fields.ts';
import { batchRecords, type DataRange, type Payload, type PayloadSet, timeNsOf } from './payload.ts';
import { Random } from './random.ts';

export interface SpanFacts {
  readonly range: DataRange;
  /** Some of the traces, spread over all, by their id in hex and how many spans each has. */
  readonly traces: readonly { readonly id: string; readonly spans: number }[];
  /** The value of `user.id` that exactly one span has. */
  readonly rareUser: string;
}

const traceSpans = 10;
const tracesRemembered = 500;
const rareUser = 'u-b1e55edfacade';
const headers = { 'content-type': 'application/x-protobuf' };

/** OTLP spans in protobuf: traces of ten spans over several services, 8 to 15 attributes with their resource's five. */
export function makeSpans(count: number, range: DataRange): PayloadSet<SpanFacts> {
  const random = new Random(2);
  const traces: { id: string; spans: number }[] = [];
  const payloads: Payload[] = [];
  const traceCount = Math.ceil(count / traceSpans);
  const rememberEach = Math.max(1, Math.floor(traceCount / tracesRemembered));
  for (let from = 0; from < count; from += batchRecords) {
    const records = Math.min(batchRecords, count - from);
    const byService = new Map<Service, Uint8Array[]>();
    for (let start = from; start < from + records; start += traceSpans) {
      const spans = Math.min(traceSpans, from + records - start);
      const id = random.bytes(16);
      const number = start / traceSpans;
      const rare = number === Math.floor(traceCount / 2);
      if (number % rememberEach === 0) traces.push({ id: id.toString('hex'), spans });
      writeTrace(byService, random, { id, spans, startNs: timeNsOf(range, start, count), rare });
    }
    const resources = [...byService].map(([service, encoded]) => ({
      attributes: podAttributes(service, random),
      records: encoded,
    }));
    payloads.push({ body: exportRequest(resources), records });
  }
  return {
    path: '/v1/traces',
    headers,
    payloads,
    facts: { range, traces, rareUser },
  };
}

/** A request of one span by which the way from acknowledged to queryable is measured. */
export function spanMarker(traceId: Uint8Array, timeMs: number): Uint8Array {
  const startNs = BigInt(timeMs) * 1_000_000n;
  const span = new BinaryWriter();
  span.tag(1, WireType.LengthDelimited).bytes(traceId);
  span.tag(2, WireType.LengthDelimited).bytes(traceId.subarray(0, 8));
  span.tag(5, WireType.LengthDelimited).string('marker').tag(6, WireType.Varint).int32(1);
  span.tag(7, WireType.Bit64).fixed64(startNs).tag(8, WireType.Bit64).fixed64(startNs);
  return exportRequest([{ attributes: { 'service.name': 'marker' }, records: [span.finish()] }]);
}

interface Trace {
  readonly id: Uint8Array;
  readonly spans: number;
  readonly startNs: bigint;
  readonly rare: boolean;
}

/** A root at the gateway and below it calls of other services and of their databases. */
function writeTrace(byService: Map<Service, Uint8Array[]>, random: Random, trace: Trace): void {
  let parent: Uint8Array | undefined;
  let service: Service = 'gateway';
  for (let index = 0; index < trace.spans; index++) {
    const kind = index === 0 ? kinds.server : random.pick([kinds.server, kinds.client, kinds.database]);
    if (kind === kinds.server && index > 0) service = random.pick(services);
    const id = random.bytes(8);
    const bytes = spanOf(random, { trace, id, parent, kind, index });
    const records = byService.get(service);
    if (records === undefined) byService.set(service, [bytes]);
    else records.push(bytes);
    // A chain with side branches: every third span becomes the parent of the next ones.
    if (index % 3 === 0) parent = id;
  }
}

const kinds = { server: 2, client: 3, database: 4 } as const;

interface SpanPlace {
  readonly trace: Trace;
  readonly id: Uint8Array;
  readonly parent: Uint8Array | undefined;
  readonly kind: (typeof kinds)[keyof typeof kinds];
  readonly index: number;
}

function spanOf(random: Random, { trace, id, parent, kind, index }: SpanPlace): Uint8Array {
  const startNs = trace.startNs + BigInt(index * 2_000_000 + random.below(1_000_000));
  const durationNs = BigInt(Math.floor(Math.exp(9 + random.below(1_100) / 100)));
  const failed = random.below(100) === 0;
  const attributes = attributesOf(random, kind, failed);
  if (trace.rare && index === 0) attributes['user.id'] = rareUser;
  const span = new BinaryWriter();
  span.tag(1, WireType.LengthDelimited).bytes(trace.id).tag(2, WireType.LengthDelimited).bytes(id);
  if (parent !== undefined) span.tag(4, WireType.LengthDelimited).bytes(parent);
  span.tag(5, WireType.LengthDelimited).string(nameOf(attributes));
  span.tag(6, WireType.Varint).int32(kind === kinds.server ? 2 : 3);
  span.tag(7, WireType.Bit64).fixed64(startNs);
  span.tag(8, WireType.Bit64).fixed64(startNs + durationNs);
  writeAttributes(span, 9, attributes);
  if (failed) {
    span.tag(15, WireType.LengthDelimited).fork();
    span.tag(2, WireType.LengthDelimited).string('deadline exceeded').tag(3, WireType.Varint).int32(2);
    span.join();
  }
  return span.finish();
}

function nameOf(attributes: Readonly<Record<string, AttributeValue>>): string {
  const table = attributes['db.collection.name'];
  if (table !== undefined) return `${String(attributes['db.operation.name'])} ${String(table)}`;
  return `${String(attributes['http.request.method'])} ${String(attributes['http.route'])}`;
}

function attributesOf(
  random: Random,
  kind: SpanPlace['kind'],
  failed: boolean,
): Record<string, AttributeValue> {
  if (kind === kinds.database) {
    return {
      'db.system.name': random.pick(['postgresql', 'postgresql', 'redis', 'mysql']),
      'db.namespace': 'shop',
      'db.operation.name': random.pick(['SELECT', 'SELECT', 'INSERT', 'UPDATE']),
      'db.collection.name': random.pick(['orders', 'products', 'users', 'carts', 'payments']),
      'server.address': `db-${random.below(3)}.example.com`,
      'db.response.returned_rows': random.below(500),
    };
  }
  const common = {
    'http.request.method': random.pick(['GET', 'GET', 'POST', 'PUT']),
    'http.route': random.pick(['/cart', '/orders/{id}', '/products', '/users/{id}', '/payments']),
    'http.response.status_code': failed ? 500 : 200,
  };
  if (kind === kinds.client) return { ...common, 'server.port': 8_080 };
  return {
    ...common,
    'url.scheme': 'https',
    'network.protocol.version': random.pick(['1.1', '2']),
    'client.address': `10.${random.below(4)}.${random.below(256)}.${random.below(256)}`,
    'user.id': `u${random.below(50_000)}`,
    'feature.flag.enabled': random.below(2) === 0,
    'server.load': random.below(1_000) / 1_000,
  };
}
