import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldsAt } from '../support/protobuf.ts';
import { startVarve, type Varve } from '../support/varve.ts';
import { get, type Parameters } from './requests.ts';
import { nanos, type Shop, sendShop } from './shop.ts';
import { unknownFields } from './tempo-schema.ts';

let varve: Varve;
let shop: Shop;
let range: { start: string; end: string };

beforeAll(async () => {
  varve = await startVarve();
  shop = await sendShop(varve.ports);
  range = { start: String(shop.startMs / 1_000 - 60), end: String(shop.endMs / 1_000 + 60) };
});

afterAll(async () => {
  await varve.stop();
});

const protobuf = { accept: 'application/protobuf' };
const trace = async (version: 'v1' | 'v2', id: string, headers: Readonly<Record<string, string>>) =>
  await get(varve.ports.tempo, version === 'v1' ? `/api/traces/${id}` : `/api/v2/traces/${id}`, {}, headers);

interface Span {
  spanID: string;
  attributes?: { key: string; value: Record<string, unknown> }[];
}
interface FoundTrace {
  traceID: string;
  spanSets: { spans: Span[]; matched: number }[];
}

async function search(q: string, more: Parameters = {}): Promise<FoundTrace[]> {
  const answer = await get(
    varve.ports.tempo,
    '/api/search',
    { q, limit: '20', spss: '10', ...range, ...more },
    { accept: 'application/json' },
  );
  expect([answer.status, answer.type, answer.text]).toEqual([200, 'application/json', expect.any(String)]);
  // Grafana decodes strictly: a field that its schema does not know fails the query.
  expect(unknownFields(answer.json())).toEqual([]);
  return (answer.json() as { traces: FoundTrace[] }).traces;
}

const resource = async (path: string, parameters: Parameters) =>
  (await get(varve.ports.tempo, `/api/v2/search/${path}`, parameters, { accept: '*/*' })).json();

describe('a trace by id', () => {
  it('is a TraceByIDResponse whose spans are byte-compatible with OTLP', async () => {
    const { status, type, bytes } = await trace('v2', shop.traceId, protobuf);
    expect([status, type]).toEqual([200, 'application/protobuf']);
    const names = fieldsAt(bytes, [1, 1, 2, 2, 5]).map(String);
    expect(names.toSorted()).toEqual(['POST /pay', 'SELECT orders', 'render receipt']);
    const traceIds = fieldsAt(bytes, [1, 1, 2, 2, 1]).map((id) => id.toString('hex'));
    expect(new Set(traceIds)).toEqual(new Set([shop.traceId]));
    const parents = fieldsAt(bytes, [1, 1, 2, 2, 4]).map((id) => id.toString('hex'));
    expect(parents).toEqual([shop.rootSpanId, shop.rootSpanId]);
    expect(fieldsAt(bytes, [1, 1, 2, 2, 11, 2]).map(String)).toEqual(['exception']);
    expect(fieldsAt(bytes, [1, 1, 2, 1, 1]).map(String)).toContain('checkout');
    expect(fieldsAt(bytes, [1, 1, 1, 1, 1]).map(String)).toContain('service.name');
  });

  it('that nobody knows is an empty trace, present: without field 1 the plugin crashes', async () => {
    const { status, type, bytes } = await trace('v2', 'f'.repeat(32), protobuf);
    expect([status, type]).toEqual([200, 'application/protobuf']);
    expect(fieldsAt(bytes, [1]).map(({ length }) => length)).toEqual([0]);
  });

  it('that nobody knows is 404 in the first version', async () => {
    expect((await trace('v1', 'f'.repeat(32), protobuf)).status).toBe(404);
  });

  it('is a bare Trace in the first version', async () => {
    const { bytes } = await trace('v1', shop.traceId, protobuf);
    expect(fieldsAt(bytes, [1, 2, 2, 5])).toHaveLength(3);
  });

  it('of 64 bits is found without its zeros, in any case', async () => {
    for (const id of [
      shop.shortTraceId,
      shop.shortTraceId.toUpperCase(),
      shop.shortTraceId.padStart(32, '0'),
    ]) {
      const { bytes } = await trace('v2', id, protobuf);
      expect(fieldsAt(bytes, [1, 1, 2, 2, 5]).map(String), id).toEqual(['GET /healthz']);
    }
  });

  it('has ids in base64 and enums by name in JSON', async () => {
    const json = (await trace('v1', shop.traceId, { accept: 'application/json' })).json() as {
      batches: { scopeSpans: { spans: Record<string, unknown>[] }[] }[];
    };
    const spans = json.batches.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    expect(spans.find(({ name }) => name === 'POST /pay')).toMatchObject({
      traceId: Buffer.from(shop.traceId, 'hex').toString('base64'),
      spanId: Buffer.from(shop.rootSpanId, 'hex').toString('base64'),
      kind: 'SPAN_KIND_SERVER',
      startTimeUnixNano: nanos(shop.startMs),
      endTimeUnixNano: nanos(shop.startMs + 250),
      status: { code: 'STATUS_CODE_ERROR', message: 'card refused' },
    });
  });

  it.each(['xyz', '0'.repeat(33)])('%s is refused', async (id) => {
    const { status, type } = await trace('v2', id, protobuf);
    expect([status, type]).toEqual([400, 'text/plain; charset=utf-8']);
  });
});

describe('a search', () => {
  it('lists a trace with its root, its length and the spans that matched', async () => {
    const found = await search('{ resource.service.name = "shop" && status = error }');
    expect(found).toMatchObject([
      {
        traceID: shop.traceId.replace(/^0+/, ''),
        rootServiceName: 'shop',
        rootTraceName: 'POST /pay',
        startTimeUnixNano: nanos(shop.startMs),
        durationMs: 250,
        spanSet: { matched: 1, spans: [{ spanID: shop.rootSpanId, durationNanos: '250000000' }] },
        spanSets: [{ matched: 1, spans: [{ spanID: shop.rootSpanId }] }],
        serviceStats: { shop: { spanCount: 2, errorCount: 1 }, web: { spanCount: 1 } },
      },
    ]);
  });

  it('lists the newest trace first, without a length that rounds to 0', async () => {
    const found = await search('{ kind = server }');
    expect(found.map(({ traceID }) => traceID)).toEqual([shop.shortTraceId, shop.traceId.replace(/^0+/, '')]);
  });

  it('shows the attributes that conditions and select() mention, by their bare names', async () => {
    const [found] = await search(
      '{ span.http.status_code >= 500 } | select(resource.service.name, span.http.method)',
    );
    expect(found?.spanSets[0]?.spans[0]?.attributes).toEqual([
      { key: 'http.status_code', value: { intValue: '500' } },
      { key: 'service.name', value: { stringValue: 'shop' } },
      { key: 'http.method', value: { stringValue: 'POST' } },
    ]);
  });

  it('lists at most spss spans of a set and counts them all', async () => {
    const [found] = await search('{ trace:duration > 200ms }', { spss: '1' });
    expect(found?.spanSets[0]).toMatchObject({ matched: 3 });
    expect(found?.spanSets[0]?.spans).toHaveLength(1);
  });

  it('follows parents', async () => {
    expect(await search('{ name = "POST /pay" } >> { resource.service.name = "web" }')).toHaveLength(1);
    expect(await search('{ resource.service.name = "web" } >> { name = "POST /pay" }')).toEqual([]);
  });

  it('that finds nothing has an empty list', async () => {
    expect(await search('{ resource.service.name = "nobody" }')).toEqual([]);
  });

  it('that does not parse is refused in plain text', async () => {
    const { status, type, text } = await get(varve.ports.tempo, '/api/search', { q: '{ a', ...range });
    expect([status, type]).toEqual([400, 'text/plain; charset=utf-8']);
    expect(text).toMatch(/^invalid TraceQL query: parse error at line 1, col \d+: /);
  });
});

describe('the query builder', () => {
  it('lists tags by scope, sorted, intrinsic ones too', async () => {
    const { scopes } = (await resource('tags', { limit: '5000', ...range })) as {
      scopes: { name: string; tags: string[] }[];
    };
    const tagsOf = (scope: string) => scopes.find(({ name }) => name === scope)?.tags;
    expect(tagsOf('resource')).toEqual([
      'host.name',
      'service.instance.id',
      'service.name',
      'service.namespace',
    ]);
    expect(tagsOf('span')).toEqual(['db.system', 'http.method', 'http.status_code']);
    expect(tagsOf('event')).toEqual(['exception.type']);
    expect(tagsOf('intrinsic')).toEqual(
      expect.arrayContaining(['duration', 'kind', 'name', 'status', 'trace:id']),
    );
  });

  it('lists the values of a tag with their types, and ignores that the tag is sent twice', async () => {
    const tag = 'resource.service.name';
    const parameters = { tag, q: '{}', limit: '5000', ...range };
    expect(await resource(`tag/${tag}/values`, parameters)).toMatchObject({
      tagValues: [
        { type: 'string', value: 'shop' },
        { type: 'string', value: 'web' },
      ],
    });
    expect(await resource('tag/span.http.status_code/values', { limit: '5000', ...range })).toMatchObject({
      tagValues: [{ type: 'int', value: '500' }],
    });
  });

  it('narrows values by the other filters, and by what is whole of a query being typed', async () => {
    const values = (q: string) => resource('tag/resource.service.name/values', { q, ...range });
    const web = { tagValues: [{ type: 'string', value: 'web' }] };
    expect(await values('{ name = "render receipt" }')).toMatchObject(web);
    expect(await values('{ name = "render receipt" && span.a = }')).toMatchObject(web);
  });

  it('lists the states and kinds without looking at data, as words without quotes', async () => {
    const { tagValues } = (await resource('tag/status/values', range)) as {
      tagValues: { type: string; value: string }[];
    };
    expect(tagValues.map(({ value }) => value).toSorted()).toEqual(['error', 'ok', 'unset']);
    expect(tagValues[0]).toMatchObject({ type: 'keyword' });
  });
});
