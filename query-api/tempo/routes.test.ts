import { describe, expect, it, vi } from 'vitest';
import type * as front from '../../search/index.ts';
import { type ErrorCode, VarveError } from '../../storage/index.ts';
import { answerOf, FakeSearch, nowMs, serverOver } from '../fake-search.ts';

vi.mock('../../search/index.ts', async (original) =>
  (await import('../fake-languages.ts')).withFakeLanguages(await original<typeof front>()),
);

const id = '7436776a6b3035702d74726163652d30';
const now = BigInt(nowMs) * 1_000_000n;
const hour = 3_600_000_000_000n;
const range = 'start=1795434960&end=1795435620';
const bounds = { from: '1795434960000000000', to: '1795435620000000000' };

async function ask(url: string, headers: Record<string, string> = {}) {
  const search = new FakeSearch();
  const app = await serverOver(search);
  const response = await app.inject({ url, headers });
  return { response, search };
}

async function refusal(url: string): Promise<string> {
  const { response, search } = await ask(url);
  expect(response.statusCode).toBe(400);
  expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(search.asked).toEqual([]);
  return response.body;
}

describe('echo', () => {
  it("answers the test button of Grafana's data source", async () => {
    const { response } = await ask('/api/echo');
    expect([response.statusCode, response.body]).toEqual([200, 'echo\n']);
  });
});

describe('a trace by id', () => {
  it.each([
    ['/api/v2/traces', 'application/protobuf', 'tempoV2Protobuf', 'application/protobuf'],
    ['/api/v2/traces', 'application/json', 'tempoV2', 'application/json'],
    ['/api/traces', 'text/html, application/protobuf', 'tempoV1Protobuf', 'application/protobuf'],
    ['/api/traces', '*/*', 'tempoV1', 'application/json'],
  ])('%s for Accept: %s is %s', async (path, accept, format, contentType) => {
    const { response, search } = await ask(`${path}/${id}`, { accept });
    expect(response.headers['content-type']).toBe(contentType);
    expect(search.lastAsked).toMatchObject({
      answer: format,
      plan: { node: 'traceById', traceId: id, range: null },
    });
  });

  it('is looked for in the range of a time shift', async () => {
    const { search } = await ask(`/api/v2/traces/${id}?${range}`);
    expect(search.lastAsked.plan).toMatchObject({ range: bounds });
  });

  it('that is not there is empty in version 2 and a 404 in version 1', async () => {
    const search = new FakeSearch();
    search.answer = () => Promise.resolve(answerOf('{"trace":{}}', true));
    const app = await serverOver(search);
    const [v2, v1] = await Promise.all([app.inject(`/api/v2/traces/${id}`), app.inject(`/api/traces/${id}`)]);
    expect([v2.statusCode, v2.body]).toEqual([200, '{"trace":{}}']);
    expect([v1.statusCode, v1.body]).toEqual([404, '']);
  });

  it.each([
    ['nothex', "trace IDs can only contain hex characters: invalid character 'n' at position 1"],
    [`${id}0`, "trace IDs can't be larger than 128 bits"],
    [`${id}?start=2&end=1`, 'http parameter start must be before end. received start=2 end=1'],
    [`${id}?start=0&end=0`, 'http parameter start must be before end. received start=0 end=0'],
    [`${id}?mode=x`, 'invalid value for mode x'],
    [`${id}?blockStart=x`, 'invalid value for blockStart: "x" is no UUID'],
  ])('refuses %s as Tempo does', async (path, message) => {
    expect(await refusal(`/api/v2/traces/${path}`)).toBe(message);
  });

  it.each([
    ['q=', null],
    ['q=x', { condition: { text: 'x' }, above: 0, below: 0 }],
    ['q=x&keep_hierarchy=true', { above: null, below: 0 }],
    ['q=x&keep_hierarchy=1&ancestor_depth=2&match_depth=-1', { above: 2, below: null }],
    ['q=x&ancestor_depth=nonsense', { above: 0 }],
  ])('with %s has only some of its spans', async (params, spans) => {
    const { search } = await ask(`/api/v2/traces/${id}?${params}`);
    expect(search.lastAsked.plan).toMatchObject({ spans });
  });

  it.each([
    ['q=bad', 'invalid TraceQL query: parse error: unexpected bad'],
    [
      'q=x&keep_hierarchy=yes',
      'invalid value for keep_hierarchy: strconv.ParseBool: parsing "yes": invalid syntax',
    ],
    ['q=x&match_depth=-2', 'invalid value for match_depth: must be >= -1'],
    ['q=x&match_depth=2.5', 'invalid value for match_depth: strconv.Atoi: parsing "2.5": invalid syntax'],
  ])('with %s is refused as by Tempo', async (params, message) => {
    expect(await refusal(`/api/v2/traces/${id}?${params}`)).toBe(message);
  });
});

describe('search', () => {
  it('plans what Grafana sends', async () => {
    const q = encodeURIComponent('{ status = error }');
    const { response, search } = await ask(
      `/api/search?end=1795435620&limit=40&q=${q}&spss=10&start=1795434960`,
    );
    expect(response.headers['content-type']).toBe('application/json');
    expect(search.lastAsked.plan).toMatchObject({
      text: '{ status = error }',
      how: {
        from: 1_795_434_960_000_000_000n,
        to: 1_795_435_620_000_000_000n,
        limit: 40,
        spansPerSet: 10,
        summariesOnly: false,
      },
    });
  });

  it('without parameters finds 20 recent traces with 3 spans each', async () => {
    const { search } = await ask('/api/search');
    expect(search.lastAsked.plan).toMatchObject({
      text: '{ }',
      how: { from: now - hour, to: now, limit: 20, spansPerSet: 3 },
    });
  });

  it.each([
    ['tags=service.name%3Dshop', '{ resource.service.name =~ ".*shop.*" }'],
    ['tags=name%3D%22GET%20%2Fa.b%22', '{ name =~ ".*GET /a\\\\.b.*" }'],
    [
      'tags=http.status_code%3D500%20a%3D%22x%20y%22',
      '{ span.http.status_code = 500 } && { span.a = "x y" || resource.a = "x y" }',
    ],
    ['tags=n%3D500', '{ span.n = "500" || resource.n = "500" }'],
    ['tags=n', '{ span.n = "" || resource.n = "" }'],
    ['tags=name', '{ true }'],
    ['tags=status.code%3Derror', '{ status = error }'],
    [
      'minDuration=100ms&maxDuration=1.5s',
      '{ traceDuration >= 100000000ns } && { traceDuration <= 1500000000ns }',
    ],
  ])('reads the older %s as TraceQL for whole traces', async (params, text) => {
    const { search } = await ask(`/api/search?${params}`);
    expect(search.lastAsked.plan).toMatchObject({ text, how: { summariesOnly: true } });
  });

  it.each([
    ['limit=ten', 'invalid limit: strconv.ParseUint: parsing "ten": invalid syntax'],
    ['limit=0', 'invalid limit: must be a positive number'],
    ['limit=1001', 'limit 1001 exceeds max limit 1000'],
    ['start=yesterday&end=1', 'invalid start: strconv.ParseUint: parsing "yesterday": invalid syntax'],
    ['start=2&end=1', 'http parameter start must be before end. received start=2 end=1'],
    ['q={}&tags=a%3Db', "invalid request: can't specify tags and q in the same query"],
    ['tags=a%3Db%3Dc', 'invalid tags: no key=value at position 1 of "a=b=c"'],
    ['tags=a%3D1%20a%3D2', 'invalid tags: tag a has been set twice'],
    [
      'q={}&end=5',
      'error parsing date range: only one of start and end provided: must provide both or neither',
    ],
    ['minDuration=5s&maxDuration=1s', 'invalid maxDuration: must be greater than minDuration'],
    ['minDuration=5', 'invalid minDuration: time: invalid duration "5"'],
    ['q=bad', 'invalid TraceQL query: parse error: unexpected bad'],
  ])('refuses %s as Tempo does', async (params, message) => {
    expect(await refusal(`/api/search?${params}`)).toBe(message);
  });
});

describe('tags', () => {
  it.each([
    [`/api/v2/search/tags?limit=5000&${range}`, null, 5_000, 'tempoV2'],
    [`/api/v2/search/tags?scope=span&${range}`, 'span', 0, 'tempoV2'],
    [`/api/search/tags?scope=none&${range}`, null, 0, 'tempoV1'],
    [`/api/v2/search/tags?limit=x&${range}`, null, 0, 'tempoV2'],
  ])('%s', async (url, scope, limit, answer) => {
    const { search } = await ask(url);
    expect(search.lastAsked).toMatchObject({
      answer,
      plan: { node: 'spanTags', scope, filter: null, range: bounds, limit },
    });
  });

  it('of the intrinsic scope are the same for any data', async () => {
    const { response, search } = await ask('/api/v2/search/tags?scope=intrinsic');
    expect(search.asked).toEqual([]);
    expect(response.json()).toMatchObject({
      scopes: [{ name: 'intrinsic', tags: expect.arrayContaining(['name', 'span:status']) as unknown }],
    });
  });

  it('of a scope that does not exist are refused', async () => {
    expect(await refusal('/api/v2/search/tags?scope=nosuch')).toBe('invalid scope: nosuch');
  });

  it.each([
    ['start=1795434960000000000&end=1795435620000000000', bounds],
    ['start=2026-11-23T11:56:00Z&end=2026-11-23T12:07:00Z', bounds],
    ['start=1795434960&end=1795434960', { from: bounds.from, to: bounds.from }],
    ['since=1h', { from: (now - hour).toString(), to: now.toString() }],
  ])('take their range from %s', async (params, range) => {
    const { search } = await ask(`/api/v2/search/tags?${params}`);
    expect(search.lastAsked.plan).toMatchObject({ range });
  });

  it.each([
    ['end=5', 'error parsing date range: only one of start and end provided: must provide both or neither'],
    ['start=2&end=1', 'http parameter start must be before end. received start=2 end=1'],
    ['start=x&end=1', `could not parse 'start' parameter: strconv.ParseInt: parsing "x": invalid syntax`],
  ])('are refused with %s', async (params, message) => {
    expect(await refusal(`/api/v2/search/tags?${params}`)).toBe(message);
  });

  it('of version 1 are of all spans, whatever is asked', async () => {
    const { search } = await ask('/api/search/tags?q={name=}');
    expect(search.lastAsked.plan).toMatchObject({ filter: null });
  });
});

describe('tag values', () => {
  it('are of the scoped field in version 2, of spans that match the filters so far', async () => {
    const { search } = await ask(
      `/api/v2/search/tag/resource.service%2Fname/values?tag=x&q={name=&limit=5000&${range}`,
    );
    expect(search.lastAsked).toMatchObject({
      answer: 'tempoV2',
      plan: {
        node: 'spanTagValues',
        field: { text: 'resource.service/name' },
        filter: { text: '{name=' },
        range: bounds,
        limit: 5_000,
      },
    });
  });

  it('are of any scope in version 1', async () => {
    const { search } = await ask('/api/search/tag/http.method/values');
    expect(search.lastAsked).toMatchObject({
      answer: 'tempoV1',
      plan: { field: { kind: 'attribute', scope: null, name: 'http.method', parent: false } },
    });
  });

  it.each([
    ['kind', { kind: 'attribute', name: 'kind' }],
    ['span:status', { kind: 'attribute', name: 'span:status' }],
    ['rootName', { text: 'rootName' }],
  ])('of %s in version 1 are those of its oldest names only', async (tag, field) => {
    const { search } = await ask(`/api/search/tag/${tag}/values?q={name=}`);
    expect(search.lastAsked.plan).toMatchObject({ field, filter: null });
  });

  it('are refused with a stale limit that is no number', async () => {
    expect(await refusal('/api/v2/search/tag/name/values?maxStaleValues=x')).toBe(
      'invalid maxStaleValues: strconv.ParseUint: parsing "x": invalid syntax',
    );
  });

  it('of an identifier that cannot be read are refused', async () => {
    expect(await refusal('/api/v2/search/tag/bad/values')).toBe(
      'please provide a valid tagName: failed to parse identifier bad: parse error: unexpected bad',
    );
  });
});

describe('a metrics query', () => {
  const minute = 60n * 1_000_000_000n;
  const [start, end] = [1_795_434_960n * 1_000_000_000n, 1_795_435_620n * 1_000_000_000n];

  it('over a range is of whole steps, with one before the start', async () => {
    const { search } = await ask(`/api/metrics/query_range?q={}&start=1795434970&end=1795435150&step=60`);
    expect(search.lastAsked).toMatchObject({
      answer: 'tempoV1',
      plan: { text: '{}', how: { from: start - minute, to: start + 4n * minute, step: minute } },
    });
  });

  it('up to a time that has not come ends with the last whole step', async () => {
    const { search } = await ask(`/api/metrics/query_range?query={}&${range}&step=7m`);
    expect(search.lastAsked.plan).toMatchObject({ how: { to: (now / (7n * minute)) * 7n * minute } });
  });

  it('at an instant is of the whole range', async () => {
    const { search } = await ask(`/api/metrics/query?q={}&${range}`);
    expect(search.lastAsked.plan).toMatchObject({
      how: { from: start - 1n, to: end, step: 0n, exemplars: 0 },
    });
  });

  it.each([
    ['3600', '15'],
    ['86400', '300'],
    ['864000', '3600'],
    ['12', '0.05'],
  ])('of %s s without a step has steps of %s s', async (since, step) => {
    const from = now / 1_000_000_000n - BigInt(since);
    const { search } = await ask(`/api/metrics/query_range?q={}&start=${String(from)}&end=1795435200`);
    const nanoseconds = BigInt(Math.round(Number(step) * 1e9));
    expect(search.lastAsked.plan).toMatchObject({ how: { step: nanoseconds } });
  });

  it.each([
    ['', { exemplars: 100, exemplarsMax: 100, seriesMax: 1_000 }],
    ['&exemplars=7&maxSeries=5', { exemplars: 7, seriesMax: 5 }],
    ['&exemplars=0&maxSeries=5000', { exemplars: 100, seriesMax: 1_000 }],
  ])('with %j has limits', async (params, limits) => {
    const { search } = await ask(`/api/metrics/query_range?q={}&${range}${params}`);
    expect(search.lastAsked.plan).toMatchObject({ how: limits });
  });

  it.each([
    ['step=soon', 'cannot parse "soon" to a valid duration'],
    ['step=-5', 'cannot parse "-5": step must be positive'],
    ['step=0', 'cannot parse "0": step must be positive'],
    [
      'step=50ms',
      'step of 0.05s is too small: the range has more than 11000 steps; ask for a longer step or raise query.tempo_intervals_max',
    ],
    ['end=1795434960', 'end must be greater than start'],
    ['since=x&start=', `could not parse 'since' parameter: not a valid duration string: "x"`],
    ['q=bad', 'invalid TraceQL query: parse error: unexpected bad'],
  ])('with %s is refused', async (params, message) => {
    const given = new URLSearchParams(`q={}&${range}`);
    for (const [name, value] of new URLSearchParams(params)) given.set(name, value);
    expect(await refusal(`/api/metrics/query_range?${given.toString()}`)).toBe(message);
  });
});

describe('status', () => {
  it('names the Tempo version that is offered', async () => {
    const { response } = await ask('/api/status/buildinfo');
    expect(response.json()).toMatchObject({ version: '2.9.0', branch: 'main' });
  });
});

describe('an error of a query', () => {
  it.each<[ErrorCode, number]>([
    ['QUERY_TIMEOUT', 504],
    ['QUERY_BUDGET', 422],
    ['QUERY_CANCELLED', 499],
    ['CLOSED', 503],
  ])('%s is a %d', async (code, status) => {
    const search = new FakeSearch();
    search.answer = () => Promise.reject(new VarveError(code, 'says which limit'));
    const app = await serverOver(search);
    const response = await app.inject('/api/search');
    expect([response.statusCode, response.body]).toEqual([status, 'says which limit']);
  });
});
