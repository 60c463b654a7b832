import { describe, expect, it } from 'vitest';
import { answerOf, FakeSearch, nowMs, serverOver, testOptions } from '../fake-search.ts';
import type { LokiOptions } from '../options.ts';

const day = 86_400_000;
const empty = '{"status":"success","data":{"resultType":"matrix","result":[],"stats":{}}}';

async function asked(path: string, changed: Partial<LokiOptions>) {
  const search = new FakeSearch();
  search.answer = () => Promise.resolve(answerOf(empty));
  const app = await serverOver(search, { loki: { ...testOptions.loki, ...changed } });
  const { statusCode, body } = await app.inject(`/loki/api/v1/${encodeURI(path)}`);
  return { status: statusCode, body, search };
}

const queries = ['query_range', 'query', 'patterns', 'detected_fields'];
const textFor = (path: string, selector: string) => (path === 'query' ? `rate(${selector}[1m])` : selector);

describe('the labels of a selector', () => {
  it.each(queries)('may not be more than query.loki_matchers_max: %s', async (path) => {
    const query = textFor(path, '{a="1",b="2",c="3"}');
    const { status, body } = await asked(`${path}?query=${query}`, { matchersMax: 2 });
    expect([status, body]).toEqual([
      400,
      'max streams matchers per query exceeded, matchers-count > limit (3 > 2)',
    ]);
  });

  it.each(queries)('must be those of query.loki_labels_required: %s', async (path) => {
    const query = textFor(path, '{a="1",env!="2"}');
    const labelsRequired = ['cluster', 'env', 'team'];
    const { status, body } = await asked(`${path}?query=${query}`, { labelsRequired });
    expect([status, body]).toEqual([
      400,
      'stream selector is missing required matchers [cluster, team], labels present in the query were [a, env]',
    ]);
  });

  it('must be as many as query.loki_matchers_min, in each of a query', async () => {
    const path = 'query_range?query=sum(rate({a="1",b="2"}[1m])) / sum(rate({a="1"}[1m]))';
    const { status, body } = await asked(path, { matchersMin: 2 });
    expect([status, body]).toEqual([
      400,
      'stream selector has less label matchers than required: (present: [a], number_present: 1, required_number_label_matchers: 2)',
    ]);
  });

  it('are looked at once the language has nothing to say against the query', async () => {
    const { body } = await asked('query_range?query={}', { labelsRequired: ['cluster'] });
    expect(body).toContain('parse error : queries require at least one regexp or equality matcher');
  });
});

describe('a window of a metric query', () => {
  it.each(['query_range', 'query'])('may not be longer than query.loki_window_max_ms: %s', async (path) => {
    const query = 'topk(1, rate({a="1"}[1h]) > 2) - count_over_time({b="1"} | json [90m])';
    const { status, body } = await asked(`${path}?query=${query}`, { windowMaxMs: 3_600_000 });
    expect([status, body]).toEqual([400, '[interval] value exceeds limit: [1h30m] > [1h]']);
  });
});

describe('what is older than query.loki_lookback_max_ms', () => {
  const lookbackMaxMs = 7 * day;
  const oldest = BigInt(nowMs - lookbackMaxMs) * 1_000_000n;

  it.each([
    'query_range?query={a="1"}&since=30d',
    'labels?since=30d',
    'label/a/values?since=30d',
    'series?since=30d',
    'index/stats?query={a="1"}&since=30d',
    'index/volume?query={a="1"}&since=30d',
    'detected_labels?since=30d',
    'detected_fields?query={a="1"}&since=30d',
    'patterns?query={a="1"}&since=30d',
  ])('is not read: %s', async (path) => {
    const { status, search } = await asked(path, { lookbackMaxMs });
    expect(status).toBe(200);
    expect(JSON.stringify(search.lastAsked.plan)).toContain(`"from":"${oldest}"`);
  });

  it('counts for the length of a query no more', async () => {
    const changed = { lookbackMaxMs, queryLengthMaxMs: 8 * day };
    expect((await asked('query_range?query={a="1"}&since=30d', changed)).status).toBe(200);
  });

  it.each([
    ['query_range?query={a="1"}&start=1700000000&end=1700000060', 'streams'],
    ['query_range?query=rate({a="1"}[1h])&start=1700000000&end=1700000060', 'matrix'],
    ['query?query=rate({a="1"}[1h])&time=1700000000', 'vector'],
  ])('alone is an empty answer, and nothing is read: %s', async (path, resultType) => {
    const { status, body, search } = await asked(path, { lookbackMaxMs });
    expect([status, JSON.parse(body)]).toEqual([
      200,
      { status: 'success', data: { resultType, result: [], stats: {} } },
    ]);
    expect(search.asked).toEqual([]);
  });

  it('is what a query without data does not need', async () => {
    const { search } = await asked('query?query=vector(1)&time=1700000000', { lookbackMaxMs });
    expect(search.asked).toHaveLength(1);
  });
});
