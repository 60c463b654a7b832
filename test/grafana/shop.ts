import type { Ports } from '../support/varve.ts';

/** A small shop's telemetry of the last minutes, and when and under which ids it was sent. */
export interface Shop {
  /** Time of the first record; a whole minute, two to three minutes ago. */
  readonly startMs: number;
  /** Past the last record. */
  readonly endMs: number;
  readonly traceId: string;
  /** 64 bits long, as Zipkin and older SDKs have them. */
  readonly shortTraceId: string;
  readonly rootSpanId: string;
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const shortTraceId = '7436776a6b303570';
const rootSpanId = 'b7ad06b7169203fb';

/** Sends the shop's logs, traces and metrics by OTLP in JSON. */
export async function sendShop({ otlp }: Ports): Promise<Shop> {
  const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 120_000;
  await post(otlp, '/v1/logs', { resourceLogs: [shopLogs(startMs), webLogs(startMs)] });
  await post(otlp, '/v1/traces', { resourceSpans: [shopSpans(startMs), webSpans(startMs)] });
  await post(otlp, '/v1/metrics', { resourceMetrics: [shopMetrics(startMs)] });
  return { startMs, endMs: startMs + 120_000, traceId, shortTraceId, rootSpanId };
}

async function post(port: number, path: string, body: unknown): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== 200 || text !== '{}') throw new Error(`${path}: ${response.status} ${text}`);
}

const attributes = (values: Readonly<Record<string, string | number>>) =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
  }));

const resourceOf = (name: string) => ({
  attributes: attributes({
    'service.name': name,
    'service.namespace': 'prod',
    'service.instance.id': `${name}-1`,
    'host.name': 'vm-1',
  }),
});

/** Nanoseconds as OTLP's JSON writes them. */
export function nanos(ms: number): string {
  return `${ms}000000`;
}

/** Ten lines, one a second: every third is an error. The last has a trace. */
function shopLogs(startMs: number) {
  const logRecords = Array.from({ length: 10 }, (_, index) => {
    const failed = index % 3 === 0;
    return {
      timeUnixNano: nanos(startMs + index * 1_000),
      severityNumber: failed ? 17 : 9,
      severityText: failed ? 'ERROR' : 'INFO',
      body: {
        stringValue: `msg="${failed ? 'payment declined' : 'order stored'}" status=${failed ? 502 : 200} number=${index}`,
      },
      attributes: attributes({ 'user.id': `u${index}` }),
      ...(index === 9 ? { traceId, spanId: rootSpanId } : {}),
    };
  });
  return { resource: resourceOf('shop'), scopeLogs: [{ scope: { name: 'checkout' }, logRecords }] };
}

function webLogs(startMs: number) {
  const logRecords = Array.from({ length: 4 }, (_, index) => ({
    timeUnixNano: nanos(startMs + 60_000 + index * 1_000),
    severityNumber: 9,
    body: { stringValue: JSON.stringify({ path: '/cart', took: index }) },
  }));
  return { resource: resourceOf('web'), scopeLogs: [{ logRecords }] };
}

/** A trace of three spans in two services, whose root failed, and one of a single span. */
function shopSpans(startMs: number) {
  const times = (fromMs: number, lengthMs: number) => ({
    startTimeUnixNano: nanos(startMs + fromMs),
    endTimeUnixNano: nanos(startMs + fromMs + lengthMs),
  });
  const root = {
    traceId,
    spanId: rootSpanId,
    name: 'POST /pay',
    kind: 2,
    ...times(0, 250),
    attributes: attributes({ 'http.status_code': 500, 'http.method': 'POST' }),
    events: [
      {
        timeUnixNano: nanos(startMs + 10),
        name: 'exception',
        attributes: attributes({ 'exception.type': 'Declined' }),
      },
    ],
    status: { code: 2, message: 'card refused' },
  };
  const database = {
    traceId,
    spanId: '00f067aa0ba902b7',
    parentSpanId: rootSpanId,
    name: 'SELECT orders',
    kind: 3,
    ...times(20, 120),
    attributes: attributes({ 'db.system': 'postgresql' }),
  };
  const single = {
    traceId: shortTraceId.padStart(32, '0'),
    spanId: '53995c3f42cd8ad8',
    name: 'GET /healthz',
    kind: 2,
    ...times(30_000, 1),
  };
  return {
    resource: resourceOf('shop'),
    scopeSpans: [{ scope: { name: 'checkout', version: '1.2' }, spans: [root, database, single] }],
  };
}

function webSpans(startMs: number) {
  const spans = [
    {
      traceId,
      spanId: 'e457b5a2e4d86bd1',
      parentSpanId: rootSpanId,
      name: 'render receipt',
      kind: 1,
      startTimeUnixNano: nanos(startMs + 150),
      endTimeUnixNano: nanos(startMs + 200),
    },
  ];
  return { resource: resourceOf('web'), scopeSpans: [{ spans }] };
}

/** A counter that grows by 10 each 15 s, a gauge and a histogram, at nine points over two minutes. */
function shopMetrics(startMs: number) {
  const indexes = Array.from({ length: 9 }, (_, index) => index);
  const timeOf = (index: number) => ({
    startTimeUnixNano: nanos(startMs - 1_000),
    timeUnixNano: nanos(startMs + index * 15_000),
  });
  const north = attributes({ branch: 'north' });
  const orders = indexes.map((index) => ({
    ...timeOf(index),
    asInt: String(10 * (index + 1)),
    attributes: north,
  }));
  const items = indexes.map((index) => ({ ...timeOf(index), asDouble: 2.5, attributes: north }));
  const durations = indexes.map((index) => ({
    ...timeOf(index),
    count: String(4 * (index + 1)),
    sum: 2 * (index + 1),
    bucketCounts: [String(2 * (index + 1)), String(2 * (index + 1)), '0'],
    explicitBounds: [0.5, 1],
    attributes: north,
  }));
  const metrics = [
    {
      name: 'orders',
      description: 'Orders taken.',
      sum: { dataPoints: orders, aggregationTemporality: 2, isMonotonic: true },
    },
    { name: 'cart.items', description: 'Items in carts.', gauge: { dataPoints: items } },
    {
      name: 'checkout.duration',
      unit: 's',
      histogram: { dataPoints: durations, aggregationTemporality: 2 },
    },
  ];
  return { resource: resourceOf('shop'), scopeMetrics: [{ scope: { name: 'checkout' }, metrics }] };
}
