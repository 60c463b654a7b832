import { podAttributes, services } from '../otlp-fields.ts';
import { batchRecords, type DataRange, type PayloadSet, timeNsOf } from '../payload.ts';
import { Random } from '../random.ts';

/** Zipkin's spans in JSON: traces of ten, eight tags and an annotation each. */
export function zipkinSpansJson(count: number, range: DataRange): PayloadSet<undefined> {
  const random = new Random(4);
  const payloads = Array.from({ length: Math.ceil(count / batchRecords) }, (_, batch) => {
    const from = batch * batchRecords;
    const records = Math.min(batchRecords, count - from);
    let traceId = '';
    let parentId: string | undefined;
    const spans = Array.from({ length: records }, (_span, place) => {
      const isRoot = place % 10 === 0;
      if (isRoot) traceId = random.bytes(16).toString('hex');
      const id = random.bytes(8).toString('hex');
      const timeUs = Number(timeNsOf(range, from + place, count) / 1_000n);
      const span = spanOf(random, timeUs);
      const ids = isRoot ? { traceId, id } : { traceId, id, parentId };
      if (isRoot) parentId = id;
      return { ...ids, ...span };
    });
    return { body: Buffer.from(JSON.stringify(spans)), records };
  });
  return {
    path: '/api/v2/spans',
    headers: { 'content-type': 'application/json' },
    payloads,
    facts: undefined,
  };
}

function spanOf(random: Random, timestamp: number) {
  const service = random.pick(services);
  const tags = Object.entries(podAttributes(service, random)).map(([key, value]) => [key, String(value)]);
  return {
    name: random.pick(['get /cart', 'get /orders', 'post /payments']),
    kind: random.pick(['SERVER', 'CLIENT']),
    timestamp,
    duration: 100 + random.below(50_000),
    localEndpoint: { serviceName: service, ipv4: `10.0.${random.below(8)}.${random.below(256)}`, port: 8080 },
    tags: {
      ...(Object.fromEntries(tags) as Record<string, string>),
      'http.method': 'GET',
      'http.status_code': String(random.pick([200, 200, 200, 404, 500])),
      'user.id': `u${random.below(50_000)}`,
    },
    annotations: [{ timestamp: timestamp + 50, value: 'cache miss' }],
  };
}
