import { describe, expect, it } from 'vitest';
import { type DeleteRequest, type Deletes, type NewDelete, parseTenant } from '../../storage/index.ts';
import { FakeSearch, nowMs, serverOver } from '../fake-search.ts';

function fakeDeletes() {
  const made: NewDelete[] = [];
  const cancelled: number[] = [];
  const request = (what: NewDelete): DeleteRequest => ({
    id: 7,
    tenant: 'anonymous',
    what,
    createdAtMs: 10_000,
    dueAtMs: 20_000,
    pending: [
      { segment: 1, records: 3 },
      { segment: 2, records: 1 },
    ],
    recordsErased: 5,
    segmentsRewritten: 1,
    doneAtMs: null,
  });
  const deletes: Deletes = {
    create: (_tenant, what) => {
      made.push(what);
      return Promise.resolve(request(what));
    },
    list: () =>
      Promise.resolve([
        request({ table: 'spans', labels: [], lines: [], spans: [], fromMs: 0, toMs: 1_000 }),
      ]),
    cancel: (_tenant, id) => {
      cancelled.push(id);
      return Promise.resolve();
    },
  };
  return { deletes, made, cancelled };
}

async function ask(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  params: readonly (readonly [string, string])[] = [],
) {
  const fake = fakeDeletes();
  const storage = {
    deletes: fake.deletes,
    status: () => ({}) as never,
    position: () => Promise.resolve(''),
  };
  const app = await serverOver(new FakeSearch(), { tenantDefault: parseTenant('anonymous') }, { storage });
  const query = new URLSearchParams([
    ...params.map(([name, value]): [string, string] => [name, value]),
  ]).toString();
  const response = await app.inject({ method, url: `${path}?${query}` });
  return { ...fake, response };
}

const post = async (table: string, query: string) =>
  await ask('POST', '/api/deletes', [
    ['table', table],
    ['query', query],
    ['end', '2026-11-23T00:00:00Z'],
  ]);

describe('a request to erase', () => {
  it('takes a spanset filter for spans, with ids as Tempo pads them', async () => {
    const { response, made } = await post(
      'spans',
      '{ trace:id = "2F3e" && resource.service.name =~ "shop|pay" && span.code != 500 && status = error && kind = client }',
    );
    expect(response.statusCode).toBe(201);
    expect(made[0]?.spans).toEqual([
      { field: { name: 'traceId' }, kind: 'equal', value: '2f3e'.padStart(32, '0'), valueType: 'string' },
      {
        field: { name: 'resource', key: 'service.name' },
        kind: 'regex',
        value: 'shop|pay',
        valueType: 'string',
      },
      { field: { name: 'span', key: 'code' }, kind: 'notEqual', value: '500', valueType: 'int' },
      { field: { name: 'status' }, kind: 'equal', value: '2', valueType: 'string' },
      { field: { name: 'kind' }, kind: 'equal', value: '3', valueType: 'string' },
    ]);
  });

  it('takes a pattern of trace ids as it is written', async () => {
    const { made } = await post('spans', '{ trace:id !~ "2F\\\\D.*" }');
    expect(made[0]?.spans).toEqual([
      { field: { name: 'traceId' }, kind: 'notRegex', value: '2F\\D.*', valueType: 'string' },
    ]);
  });

  it('takes no more than what was asked for where its times are finer than milliseconds', async () => {
    const { made } = await ask('POST', '/api/deletes', [
      ['table', 'logs'],
      ['query', '{app="shop"}'],
      ['start', '2026-11-23T00:00:00.0001Z'],
      ['end', '2026-11-23T00:00:01.0019Z'],
    ]);
    expect(made[0]).toMatchObject({
      fromMs: Date.UTC(2026, 10, 23) + 1,
      toMs: Date.UTC(2026, 10, 23) + 1_001,
    });
  });

  it('takes a series selector for samples and LogQL for logs', async () => {
    const samples = await post('samples', 'up{job="api"}');
    expect(samples.made[0]).toMatchObject({
      table: 'samples',
      labels: [
        { name: '__name__', kind: 'equal', value: 'up' },
        { name: 'job', kind: 'equal', value: 'api' },
      ],
      fromMs: 0,
      toMs: Date.UTC(2026, 10, 23),
    });
    const logs = await post('logs', '{app="shop"} |= "card"');
    expect(logs.made[0]).toMatchObject({ table: 'logs', lines: [{ kind: 'equal', value: 'card' }] });
  });

  it.each([
    ['logs', '', 'query is missing'],
    ['traces', '{}', 'table is logs, spans or samples'],
    ['spans', '{}', '{} means every span'],
    ['spans', '{ name = "a" || name = "b" }', 'joined by &&'],
    ['spans', '{ duration > 1s }', 'joined by &&'],
    ['spans', '{ name = "a" } | count() > 1', 'expected one spanset filter'],
    ['samples', 'rate(up[1m])', 'expected a series selector'],
  ])('of %s %j is refused: %s', async (table, query, message) => {
    const { response, made } = await post(table, query);
    expect(response.statusCode).toBe(400);
    expect(response.body).toContain(message);
    expect(made).toEqual([]);
  });
});

describe('receipts', () => {
  it('tell what is hidden, what is erased, and until when it can be cancelled', async () => {
    const { response } = await ask('GET', '/api/deletes');
    expect(response.json()).toEqual([
      {
        id: 7,
        table: 'spans',
        conditions: [],
        start: '1970-01-01T00:00:00.000Z',
        end: '1970-01-01T00:00:01.000Z',
        createdAt: '1970-01-01T00:00:10.000Z',
        cancellableUntil: '1970-01-01T00:00:20.000Z',
        recordsHidden: 4,
        recordsErased: 5,
        segmentsRewritten: 1,
        erasedAt: null,
      },
    ]);
  });

  it('are asked for by id to cancel a request', async () => {
    const { response, cancelled } = await ask('DELETE', '/api/deletes', [['id', '7']]);
    expect([response.statusCode, cancelled]).toEqual([204, [7]]);
    expect((await ask('DELETE', '/api/deletes', [['id', '8']])).response.statusCode).toBe(404);
  });
});

describe("Prometheus' delete_series", () => {
  const path = '/api/v1/admin/tsdb/delete_series';

  it('makes a request of each selector, over all time where no range is given', async () => {
    const { response, made } = await ask('POST', path, [
      ['match[]', 'up'],
      ['match[]', '{job=~"a.*"}'],
      ['start', '1700000000'],
    ]);
    expect(response.statusCode).toBe(204);
    expect(made.map(({ table, labels, fromMs }) => ({ table, labels, fromMs }))).toEqual([
      {
        table: 'samples',
        labels: [{ name: '__name__', kind: 'equal', value: 'up' }],
        fromMs: 1_700_000_000_000,
      },
      { table: 'samples', labels: [{ name: 'job', kind: 'regex', value: 'a.*' }], fromMs: 1_700_000_000_000 },
    ]);
    expect(made[0]?.toMs).toBeGreaterThan(nowMs);
  });

  it('erases no sample before a start that is finer than milliseconds', async () => {
    const { made } = await ask('POST', path, [
      ['match[]', 'up'],
      ['start', '2026-11-23T00:00:00.0001Z'],
      ['end', '2026-11-23T00:00:01.0019Z'],
    ]);
    const day = Date.UTC(2026, 10, 23);
    expect(made[0]).toMatchObject({ fromMs: day + 1, toMs: day + 1_001 });
  });

  it('makes none where one of the selectors cannot be read, and needs at least one', async () => {
    const broken = await ask('POST', path, [
      ['match[]', 'up'],
      ['match[]', '{'],
    ]);
    expect([broken.response.statusCode, broken.made]).toEqual([400, []]);
    const none = await ask('POST', path);
    expect(none.response.json()).toMatchObject({ error: 'no match[] parameter provided' });
  });

  it('has nothing to do for clean_tombstones', async () => {
    expect((await ask('POST', '/api/v1/admin/tsdb/clean_tombstones')).response.statusCode).toBe(204);
  });
});
