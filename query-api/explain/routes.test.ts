import { describe, expect, it } from 'vitest';
import { VarveError } from '../../storage/index.ts';
import { answerOf, FakeSearch, serverOver, testOptions, testStats } from '../fake-search.ts';

const path = '/varve/api/v1/explain';
const start = '1795431600';
const end = '1795435200';

function urlOf(base: string, parameters: Readonly<Record<string, string>>): string {
  return `${base}?${new URLSearchParams(parameters).toString()}`;
}

async function explained(parameters: Readonly<Record<string, string>>, search = new FakeSearch()) {
  const app = await serverOver(search);
  const { statusCode, body } = await app.inject(urlOf(path, parameters));
  return { statusCode, body, told: statusCode === 200 ? (JSON.parse(body) as unknown) : undefined };
}

const range = { start, end };
const same = [
  ['logql', '/loki/api/v1/query_range', 'query', { query: '{app="shop"} |= "x"', ...range, limit: '7' }],
  ['logql', '/loki/api/v1/query_range', 'query', { query: 'rate({app="shop"}[1m])', ...range, step: '30' }],
  ['logql', '/loki/api/v1/query_range', 'query', { query: '{app="shop"}', since: '3h' }],
  ['logql', '/loki/api/v1/query', 'query', { query: 'count_over_time({app="shop"}[1m])', time: end }],
  ['promql', '/api/v1/query_range', 'query', { query: 'rate(up[5m])', ...range, step: '15' }],
  ['promql', '/api/v1/query', 'query', { query: 'sum(up)', time: end }],
  ['promql', '/api/v1/query', 'query', { query: 'up', timeout: '3s', lookback_delta: '1m' }],
  ['traceql', '/api/search', 'q', { query: '{ status = error }', ...range, limit: '5', spss: '2' }],
  ['traceql', '/api/search', 'q', { query: '{ .a = 1 } && { .b = 2 }' }],
  ['traceql', '/api/metrics/query_range', 'q', { query: '{ } | rate()', ...range, step: '60s' }],
] as const;

describe('a plan', () => {
  it.each(same)('of %s is that of %s (%s), %j', async (language, endpoint, name, parameters) => {
    const search = new FakeSearch();
    const app = await serverOver(search);
    const { query, ...others } = parameters;
    const own = await app.inject(urlOf(endpoint, { [name]: query, ...others }));
    const { told } = await explained({ language, ...parameters, analyze: 'true' }, search);
    expect(own.statusCode).toBe(200);
    const [asked, analyzed] = search.asked;
    expect(analyzed?.plan).toEqual(asked?.plan);
    expect(analyzed?.timeoutMs).toEqual(asked?.timeoutMs);
    expect(told).toMatchObject({ language, endpoint, tree: asked?.plan, stats: testStats });
  });

  it('is told in one line, and nothing is run for it', async () => {
    const search = new FakeSearch();
    const { told } = await explained({ language: 'logql', query: '{app="shop"} |= "x"', ...range }, search);
    expect(told).toEqual({
      language: 'logql',
      endpoint: '/loki/api/v1/query_range',
      plan: expect.stringMatching(/^logs .*app="shop".*limit 100 backward$/) as unknown,
      tree: expect.objectContaining({ node: 'logRows' }) as unknown,
    });
    expect(search.asked).toEqual([]);
  });

  it('of TraceQL metrics over the whole range is asked for with instant', async () => {
    const { told } = await explained({ language: 'traceql', query: '{ } | rate()', ...range, instant: '1' });
    expect(told).toMatchObject({ endpoint: '/api/metrics/query', tree: { intervals: { step: '0' } } });
  });

  it('of what is too old is none', async () => {
    const search = new FakeSearch();
    const app = await serverOver(search, { loki: { ...testOptions.loki, lookbackMaxMs: 1_000 } });
    const url = urlOf(path, { language: 'logql', query: '{a="b"}', start: '1', end: '2', analyze: 'true' });
    expect((await app.inject(url)).json()).toEqual({
      language: 'logql',
      endpoint: '/loki/api/v1/query_range',
      plan: 'nothing: all that is asked for is too old',
      tree: null,
    });
    expect(search.asked).toEqual([]);
  });

  it('is made of a form as well', async () => {
    const app = await serverOver(new FakeSearch());
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: path,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'language=promql&query=up',
    });
    expect([statusCode, body]).toEqual([200, expect.stringContaining('"endpoint":"/api/v1/query"')]);
  });
});

describe('an analysis', () => {
  it('tells what was read and why the answer may be partial', async () => {
    const search = new FakeSearch();
    search.answer = () => Promise.resolve({ ...answerOf('12345', true), warnings: ['one is missing'] });
    const { told } = await explained({ language: 'promql', query: 'up', analyze: 'true' }, search);
    expect(told).toMatchObject({
      stats: testStats,
      warnings: ['one is missing'],
      answer: { empty: true, bytes: 5 },
    });
  });
});

describe('an error', () => {
  it.each([
    ['logql', 400, /^parse error/],
    ['promql', 400, /^\{"status":"error","errorType":"bad_data","error":"invalid parameter \\"query\\"/],
    ['traceql', 400, /^invalid TraceQL query/],
  ])('in %s is told as its own API does', async (language, status, message) => {
    const { statusCode, body } = await explained({ language, query: '{{' });
    expect([statusCode, body]).toEqual([status, expect.stringMatching(message)]);
  });

  it('of a run has the status of the language', async () => {
    const statuses = await Promise.all(
      ['logql', 'promql', 'traceql'].map(async (language) => {
        const search = new FakeSearch();
        search.answer = () => Promise.reject(new VarveError('QUERY_TIMEOUT', 'too long'));
        const query = language === 'promql' ? 'up' : '{ }';
        const text = language === 'logql' ? '{a="b"}' : query;
        return (await explained({ language, query: text, analyze: '1' }, search)).statusCode;
      }),
    );
    expect(statuses).toEqual([504, 503, 504]);
  });

  it.each([
    [{ query: 'up' }, 'language is \\"\\"; it must be logql, promql or traceql'],
    [{ language: 'toString' }, 'it must be logql, promql or traceql'],
    [{ language: 'sql', query: 'SELECT 1' }, 'send EXPLAIN or EXPLAIN ANALYZE to /api/sql'],
  ])('says which languages there are: %j', async (parameters, message) => {
    const { statusCode, body } = await explained(parameters);
    expect([statusCode, body]).toEqual([400, expect.stringContaining(message)]);
  });

  it('names a flag that is none', async () => {
    const { statusCode, body } = await explained({ language: 'logql', query: '{a="b"}', analyze: 'perhaps' });
    expect([statusCode, body]).toEqual([400, 'analyze is "perhaps"; it must be true or false']);
  });
});
