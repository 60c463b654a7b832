import { describe, expect, it } from 'vitest';
import { answerOf, FakeSearch, serverOver } from '../fake-search.ts';
import { limitSeries } from './series-limit.ts';

const drilldown = { 'x-query-tags': 'Source=grafana-lokiexplore-app,Feature=x' };
const warning = 'maximum number of series (2) reached for a single query; returning partial results';

/** An answer of these series, as native code writes it. */
function answer(series: readonly object[], warnings: readonly string[] = []): string {
  const data = { resultType: 'matrix', result: series, stats: { summary: {} } };
  return JSON.stringify({ status: 'success', data, ...(warnings.length > 0 && { warnings }) });
}

const one = { metric: { a: '1' }, values: [[1, '2']] };
// Texts that look like the bytes by which series are told apart.
const odd = { metric: { metric: '{"metric":{', stats: '],"stats":{' }, values: [[1, '2']] };

async function queried(
  text: string,
  headers: Record<string, string>,
  path = 'query_range?query=rate({a="b"}[1m])',
) {
  const search = new FakeSearch();
  search.answer = () => Promise.resolve(answerOf(text));
  const app = await serverOver(search);
  const { statusCode, body } = await app.inject({ url: `/loki/api/v1/${encodeURI(path)}`, headers });
  return { status: statusCode, body };
}

describe('a metric query whose answer has more series than query.loki_series_max', () => {
  it.each(['query_range?query=rate({a="b"}[1m])', 'query?query=rate({a="b"}[1m])'])(
    'is refused in words that Grafana and its apps know: %s',
    async (path) => {
      const { status, body } = await queried(answer([one, odd, one]), {}, path);
      expect([status, body]).toEqual([
        400,
        'maximum of series (2) reached for a single query; group by fewer labels, narrow the query or raise query.loki_series_max',
      ]);
    },
  );

  it.each(['query_range?query=rate({a="b"}[1m])', 'query?query=rate({a="b"}[1m])'])(
    'is answered to Logs Drilldown with as many as may be, and a warning: %s',
    async (path) => {
      const { status, body } = await queried(answer([one, odd, one, one]), drilldown, path);
      expect(status).toBe(200);
      expect(JSON.parse(body)).toEqual(JSON.parse(answer([one, odd], [warning])));
    },
  );

  it('keeps the warnings that there are', async () => {
    const { body } = await queried(answer([one, odd, one], ['a segment is set aside']), drilldown);
    expect(JSON.parse(body)).toEqual(JSON.parse(answer([one, odd], [warning, 'a segment is set aside'])));
  });

  it.each([
    ['SOURCE=Grafana-LokiExplore-App', 200],
    ['Feature=x,source=grafana-lokiexplore-app', 200],
    ['Source=grafana-lokiexplore-app=more', 400],
    ['Source=logvolhist', 400],
    ['grafana-lokiexplore-app', 400],
  ])('tells the app by its tag: %s answers %d', async (tags, status) => {
    const refused = await queried(answer([one, one, one]), { 'x-query-tags': tags });
    expect(refused.status).toBe(status);
  });
});

describe('an answer of no more series than it may have', () => {
  it.each([[[]], [[one]], [[one, odd]]])('stays as it is: %j', (series) => {
    const body = Buffer.from(answer(series));
    expect(limitSeries(body, 2, 'refused')).toBe(body);
  });
});
