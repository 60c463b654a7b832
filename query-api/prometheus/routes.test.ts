import { describe, expect, it, vi } from 'vitest';
import type * as front from '../../search/index.ts';
import { type ErrorCode, VarveError } from '../../storage/index.ts';
import { FakeSearch, nowMs, serverOver, testOptions } from '../fake-search.ts';

vi.mock('../../search/index.ts', async (original) =>
  (await import('../fake-languages.ts')).withFakeLanguages(await original<typeof front>()),
);

const range = 'start=1795434900&end=1795435500&step=15';

async function ask(url: string, headers: Record<string, string> = {}) {
  const search = new FakeSearch();
  const app = await serverOver(search);
  const response = await app.inject({ url, headers });
  return { response, search };
}

async function refusal(url: string): Promise<unknown> {
  const { response, search } = await ask(url);
  expect(response.statusCode).toBe(400);
  expect(response.headers['content-type']).toBe('application/json');
  expect(search.asked).toEqual([]);
  return response.json();
}

describe('query', () => {
  it("answers the test button of Grafana's data source", async () => {
    const search = new FakeSearch();
    const app = await serverOver(search);
    const response = await app.inject({
      method: 'POST',
      url: '/api/v1/query',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'query=1%2B1&time=4',
    });
    expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'application/json']);
    expect(search.lastAsked).toMatchObject({
      answer: 'prometheus',
      plan: {
        text: '1+1',
        how: { kind: 'instant', time: 4_000_000_000n, lookback: 300_000_000_000n },
      },
    });
  });

  it('is about now without a time', async () => {
    const { search } = await ask('/prometheus/api/v1/query?query=up');
    expect(search.lastAsked.plan).toMatchObject({ how: { time: BigInt(nowMs) * 1_000_000n } });
  });

  it.each([
    ['1795435500.1234', 1_795_435_500_123_000_000n],
    ['2026-11-23T12:05:00.5Z', 1_795_435_500_500_000_000n],
    ['1795435020000', 9_223_372_036_854_775_807n],
  ])('reads the time %s', async (text, time) => {
    const { search } = await ask(`/api/v1/query?query=up&time=${text}`);
    expect(search.lastAsked.plan).toMatchObject({ how: { time } });
  });

  it.each(['query?query=up', `query_range?query=up&${range}`])(
    '%s is limited to so many series',
    async (path) => {
      const { search } = await ask(`/api/v1/${path}&limit=3`);
      expect(search.lastAsked).toMatchObject({ seriesLimit: 3 });
      const { search: unlimited } = await ask(`/api/v1/${path}&limit=0`);
      expect(unlimited.lastAsked.seriesLimit).toBeUndefined();
    },
  );

  it('hands on its own timeout and lookback', async () => {
    const { search } = await ask('/api/v1/query?query=up&timeout=5s&lookback_delta=1m');
    expect(search.lastAsked).toMatchObject({
      timeoutMs: 5_000,
      plan: { how: { lookback: 60_000_000_000n } },
    });
  });

  it.each([
    [
      'time=noon',
      'invalid parameter "time": invalid time value for \'time\': cannot parse "noon" to a valid timestamp',
    ],
    ['timeout=soon', 'invalid parameter "timeout": cannot parse "soon" to a valid duration'],
    ['query=bad', 'invalid parameter "query": parse error: unexpected bad'],
    ['query=up&limit=-1', 'invalid parameter "limit": limit must be non-negative'],
    ['query=up&limit=x', 'invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax'],
  ])('refuses %s as Prometheus does', async (params, error) => {
    expect(await refusal(`/api/v1/query?${params}`)).toEqual({
      status: 'error',
      errorType: 'bad_data',
      error,
    });
  });
});

describe('query_range', () => {
  it('plans what Grafana sends', async () => {
    const { search } = await ask(`/api/v1/query_range?query=up&${range}`);
    expect(search.lastAsked.plan).toMatchObject({
      how: {
        kind: 'range',
        start: 1_795_434_900_000_000_000n,
        end: 1_795_435_500_000_000_000n,
        step: 15_000_000_000n,
      },
    });
  });

  it.each([
    ['end=2&step=1', 'invalid parameter "start": cannot parse "" to a valid timestamp'],
    ['start=2&end=1&step=1', 'invalid parameter "end": end timestamp must not be before start time'],
    ['start=1&end=2', 'invalid parameter "step": cannot parse "" to a valid duration'],
    [
      'start=1&end=2&step=0',
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    ],
    [
      'start=0&end=60000&step=1',
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    ],
  ])('refuses %s as Prometheus does', async (params, error) => {
    expect(await refusal(`/api/v1/query_range?query=up&${params}`)).toMatchObject({ error });
  });
});

describe('labels, series and metadata', () => {
  const always = { from: '-9223372036854775808', to: '9223372036854775807' };
  const up = [{ name: '__name__', op: '!=', value: '' }];
  const match = `match[]=${encodeURIComponent('{__name__!=""}')}`;

  it.each([
    ['/api/v1/labels', [], { kind: 'names' }],
    [`/api/v1/labels?${match}`, [up], { kind: 'names' }],
    [`/api/v1/series?${match}&${match}`, [up, up], { kind: 'sets' }],
    ['/api/v1/label/job/values', [], { kind: 'values', name: 'job' }],
    ['/api/v1/label/U__http_2e_status__code/values', [], { kind: 'values', name: 'http.status_code' }],
  ])('%s looks at all time', async (url, selectors, of) => {
    const { search } = await ask(url);
    expect(search.lastAsked.plan).toEqual({ node: 'seriesLabels', selectors, range: always, of, limit: 0 });
  });

  it('include their end', async () => {
    const { search } = await ask('/api/v1/label/__name__/values?start=1795435020&end=1795435620&limit=40000');
    expect(search.lastAsked.plan).toMatchObject({
      range: { from: '1795435020000000000', to: '1795435620000000001' },
      limit: 40_000,
    });
  });

  it('serve label values by POST, for the suggestions of Grafana', async () => {
    const search = new FakeSearch();
    const app = await serverOver(search);
    const response = await app.inject({ method: 'POST', url: `/api/v1/label/job/values?${match}` });
    expect(response.statusCode).toBe(200);
  });

  it('ask for the metadata of one metric or of all', async () => {
    const one = await ask('/api/v1/metadata?metric=up');
    expect(one.search.lastAsked.plan).toMatchObject({ metric: 'up', limit: 0, perMetric: 0 });
    const all = await ask('/api/v1/metadata?limit=5&limit_per_metric=1');
    expect(all.search.lastAsked.plan).toMatchObject({ metric: null, limit: 5, perMetric: 1 });
    const every = await ask('/api/v1/metadata?limit=-1');
    expect(every.search.lastAsked.plan).toMatchObject({ metric: null, limit: 0 });
  });

  it.each([
    ['series', 'no match[] parameter provided'],
    ['labels?match[]=bad', 'invalid parameter "match[]": parse error: unexpected bad'],
    [
      'labels?start=x',
      'invalid parameter "start": invalid time value for \'start\': cannot parse "x" to a valid timestamp',
    ],
    ['metadata?limit_per_metric=x', 'limit_per_metric must be a number'],
    ['labels?limit=-1', 'invalid parameter "limit": limit must be non-negative'],
    ['label/U__/values', 'invalid label name: "U__"'],
  ])('refuse %s as Prometheus does', async (path, error) => {
    expect(await refusal(`/api/v1/${path}`)).toEqual({ status: 'error', errorType: 'bad_data', error });
  });
});

describe('status, rules and what Varve cannot answer yet', () => {
  it('build information offers no features, which would make Grafana see Mimir', async () => {
    const { response } = await ask('/api/v1/status/buildinfo');
    const info = response.json<{ data: Record<string, string> }>().data;
    expect(info['version']).toBe('3.5.0');
    expect(info).not.toHaveProperty('features');
  });

  it.each([
    ['rules', { groups: [] }],
    ['alerts', { alerts: [] }],
    ['alertmanagers', { activeAlertmanagers: [], droppedAlertmanagers: [] }],
  ])('there are no %s', async (path, data) => {
    const { response } = await ask(`/api/v1/${path}`);
    expect(response.json()).toEqual({ status: 'success', data });
  });

  it.each([
    ['config', { yaml: '' }],
    ['flags', {}],
    ['walreplay', { min: 0, max: 0, current: 0 }],
    ['runtimeinfo', { reloadConfigSuccess: true, serverTime: new Date(nowMs).toISOString(), CWD: '' }],
  ])('status/%s is there for the pages that ask for it', async (path, data) => {
    const { response } = await ask(`/api/v1/status/${path}`);
    expect(response.json()).toMatchObject({ status: 'success', data });
  });

  it('counts series by name, label and value', async () => {
    const { search } = await ask('/api/v1/status/tsdb?limit=1');
    expect(search.lastAsked.plan).toMatchObject({ node: 'seriesCardinality', limit: 1 });
    expect(await refusal('/api/v1/status/tsdb?limit=0')).toMatchObject({
      error: 'limit must be a positive number',
    });
  });

  it('asks for the exemplars of every selector of a query', async () => {
    const { search } = await ask('/api/v1/query_exemplars?query=a/b&start=1&end=2');
    expect(search.lastAsked.plan).toEqual({
      node: 'exemplars',
      selectors: ['a', 'b'].map((value) => [{ name: '__name__', op: '=', value }]),
      range: { from: '1000000000', to: '2000000001' },
    });
    const { response } = await ask('/api/v1/query_exemplars?query=1%2B1');
    expect(response.statusCode).toBe(204);
  });

  it.each([
    ['format_query?query=a/b', 'formatted a/b'],
    ['parse_query?query=a/b', { type: 'tree', text: 'a/b' }],
  ])('%s answers with what the language makes of it', async (path, data) => {
    const { response } = await ask(`/api/v1/${path}`);
    expect(response.json()).toEqual({ status: 'success', data });
  });

  it('a path that is asked with another method says which it takes', async () => {
    const app = await serverOver(new FakeSearch());
    const response = await app.inject({ method: 'PUT', url: '/api/v1/query' });
    expect([response.statusCode, response.headers['allow']]).toEqual([405, 'GET, POST, OPTIONS']);
  });

  it('remote read is said to be missing', async () => {
    const { response } = await ask('/api/v1/read');
    expect(response.statusCode).toBe(501);
    expect(response.json()).toMatchObject({ status: 'error', errorType: 'unavailable' });
  });
});

describe('an error of a query', () => {
  it.each<[ErrorCode, number, string]>([
    ['QUERY_TIMEOUT', 503, 'timeout'],
    ['QUERY_BUDGET', 422, 'execution'],
    ['QUERY_EXECUTION', 422, 'execution'],
    ['QUERY_CANCELLED', 499, 'canceled'],
    ['REGEX_INVALID', 400, 'bad_data'],
    ['IO', 500, 'internal'],
  ])('%s is a %d of type %s', async (code, status, errorType) => {
    const search = new FakeSearch();
    search.answer = () => Promise.reject(new VarveError(code, 'says which limit'));
    const app = await serverOver(search);
    const response = await app.inject('/api/v1/query?query=up');
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({ status: 'error', errorType });
  });
});

describe('a page of another origin', () => {
  const headers = { origin: 'https://grafana.example' };

  it('may not read answers unless its origin is allowed', async () => {
    const { response } = await ask('/api/v1/query?query=up', headers);
    expect(response.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('may when it is, and is told so beforehand', async () => {
    const prometheus = { ...testOptions.prometheus, corsOrigins: ['https://grafana.example'] };
    const app = await serverOver(new FakeSearch(), { prometheus });
    const response = await app.inject({ method: 'OPTIONS', url: '/api/v1/query', headers });
    expect(response.statusCode).toBe(204);
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': 'https://grafana.example',
      vary: 'Accept-Encoding, Origin',
    });
  });
});
