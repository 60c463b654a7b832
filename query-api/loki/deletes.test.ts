import { describe, expect, it } from 'vitest';
import { type DeleteRequest, type Deletes, type NewDelete, parseTenant } from '../../storage/index.ts';
import { FakeSearch, nowMs, serverOver } from '../fake-search.ts';

const nowS = nowMs / 1_000;

/** Deletes in memory, of which the second is done. */
function fakeDeletes() {
  const made: NewDelete[] = [];
  const cancelled: number[] = [];
  const request = (id: number, changed: Partial<DeleteRequest> = {}): DeleteRequest => ({
    id,
    tenant: 'anonymous',
    what: {
      table: 'logs',
      labels: [{ name: 'app', kind: 'equal', value: 'shop' }],
      lines: [{ kind: 'notRegex', value: 'a"b' }],
      fromMs: 1_000,
      toMs: 2_500,
    },
    createdAtMs: 10_000 + id,
    dueAtMs: 20_000,
    pending: [{ segment: 1, records: 3 }],
    recordsErased: 0,
    segmentsRewritten: 0,
    doneAtMs: null,
    ...changed,
  });
  const samples = request(4, { what: { ...request(4).what, table: 'samples' } });
  const requests = [samples, request(3, { recordsErased: 1 }), request(2, { doneAtMs: 9 }), request(1)];
  const deletes: Deletes = {
    create: (_tenant, what) => {
      made.push(what);
      return Promise.resolve(request(7));
    },
    list: () => Promise.resolve(requests),
    cancel: (_tenant, id) => {
      cancelled.push(id);
      return Promise.resolve();
    },
  };
  return { deletes, made, cancelled };
}

async function ask(
  method: 'GET' | 'POST' | 'DELETE',
  params: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const fake = fakeDeletes();
  const storage = { deletes: fake.deletes, status: () => ({}) as never, position: () => Promise.resolve('') };
  const app = await serverOver(new FakeSearch(), { tenantDefault: parseTenant('anonymous') }, { storage });
  const url = `/loki/api/v1/delete?${new URLSearchParams(params).toString()}`;
  return { ...fake, response: await app.inject({ method, url, headers }) };
}

describe('a delete request', () => {
  it('erases no line before a start that is finer than milliseconds', async () => {
    const start = '2026-11-23T10:00:00.0001Z';
    const { made } = await ask('POST', { query: '{app="shop"}', start, end: String(nowS) });
    expect(made[0]?.fromMs).toBe(Date.UTC(2026, 10, 23, 10) + 1);
  });

  it('names streams, lines and a range that is over', async () => {
    const query = '{app="shop", env!~"d.*"} |= "x.1" or "y" != "a" or "b" |~ "c|d"';
    const { response, made } = await ask('POST', { query, start: '2026-11-23T10:00:00Z', end: String(nowS) });
    expect(response.statusCode).toBe(204);
    expect(response.headers['x-delete-request-id']).toBe('7');
    expect(made).toEqual([
      {
        table: 'logs',
        labels: [
          { name: 'app', kind: 'equal', value: 'shop' },
          { name: 'env', kind: 'notRegex', value: 'd.*' },
        ],
        lines: [
          { kind: 'regex', value: 'x\\.1|y' },
          { kind: 'notEqual', value: 'a' },
          { kind: 'notEqual', value: 'b' },
          { kind: 'regex', value: 'c|d' },
        ],
        fromMs: nowMs - 7_200_000,
        toMs: nowMs,
      },
    ]);
  });

  it.each([
    [{}, 'query not set'],
    [{ query: '{app="a"}' }, 'start time not set'],
    [{ query: '{app="a"}', start: 'soon' }, 'invalid start time: require unix seconds or RFC3339 format'],
    [
      { query: '{app="a"}', start: '1700000000', end: String(nowS + 1) },
      'deletes in the future are not allowed',
    ],
    [
      { query: '{app="a"}', start: '1700000000', end: '1700000000' },
      "start time can't be greater than or equal to end time",
    ],
    [{ query: '{app="a"', start: '1700000000' }, 'unexpected $end'],
    [{ query: 'rate({app="a"}[1m])', start: '1700000000' }, 'not a metric query'],
    [{ query: '{app="a"} | json', start: '1700000000' }, 'line filters |=, !=, |~ and !~'],
    [
      { query: '{app="a"} |= "x"', start: '1700000000', end: '1700003600', max_interval: '1d' },
      "invalid max_interval: valid time units are 's', 'm', 'h'",
    ],
    [
      { query: '{app="a"} |= "x"', start: '1700000000', end: '1700003600', max_interval: '2h' },
      "max_interval can't be greater than the interval to be deleted (1h)",
    ],
    [{ query: '{app="a"} |= ip("::1")', start: '1700000000' }, 'line filters |=, !=, |~ and !~'],
  ])('%j is refused: %s', async (params, message) => {
    const { response, made } = await ask('POST', params);
    expect(response.statusCode).toBe(400);
    expect(response.body).toContain(message);
    expect(made).toEqual([]);
  });

  it('takes the length of the pieces that Loki would make of it', async () => {
    const query = '{app="shop"} |= "x"';
    const range = { start: '2026-11-23T10:00:00Z', end: '2026-11-23T11:00:00Z', max_interval: '30m' };
    const { response, made } = await ask('POST', { query, ...range });
    expect([response.statusCode, made.length]).toEqual([204, 1]);
  });

  it('is of one tenant', async () => {
    const { response } = await ask('GET', {}, { 'x-scope-orgid': 'a|b' });
    expect(response.statusCode).toBe(400);
  });
});

describe('the list of delete requests', () => {
  it('tells the oldest first, as queries, with how far they are', async () => {
    const { response } = await ask('GET', {});
    const shared = { start_time: 1, end_time: 2.5, query: '{app="shop"} !~ "a\\"b"' };
    expect(response.json()).toEqual([
      { request_id: '1', ...shared, status: 'received', created_at: 10.001 },
      { request_id: '2', ...shared, status: 'processed', created_at: 10.002 },
      { request_id: '3', ...shared, status: '25% Complete', created_at: 10.003 },
    ]);
  });
});

describe('the list of delete requests over a range', () => {
  it.each([
    ['1970-01-01T00:00:02.5Z', '1970-01-01T00:00:09Z', 3],
    ['1970-01-01T00:00:03Z', '1970-01-01T00:00:09Z', 0],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.9Z', 0],
  ])('from %s to %s has %i', async (start, end, count) => {
    const { response } = await ask('GET', { start, end });
    expect(response.json()).toHaveLength(count);
  });

  it('is refused with a time that is none', async () => {
    const { response } = await ask('GET', { start: 'noon', end: 'late' });
    expect([response.statusCode, response.body]).toEqual([
      400,
      'invalid start time: require unix seconds or RFC3339 format',
    ]);
  });
});

describe('cancelling a delete request', () => {
  it('shows its lines again', async () => {
    const { response, cancelled } = await ask('DELETE', { request_id: '1' });
    expect(response.statusCode).toBe(204);
    expect(cancelled).toEqual([1]);
  });

  it.each([
    ['9', 404, 'could not find delete request with given id'],
    ['2', 400, 'deletion of request which is in process or already processed is not allowed'],
  ])('%s is refused with %i: %s', async (id, status, message) => {
    const { response, cancelled } = await ask('DELETE', { request_id: id });
    expect([response.statusCode, response.body]).toEqual([status, message]);
    expect(cancelled).toEqual([]);
  });
});
