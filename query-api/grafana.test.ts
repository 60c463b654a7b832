import { describe, expect, it } from 'vitest';
import { FakeSearch, serverOver } from './fake-search.ts';

const selector = encodeURIComponent('{a="b"}');
const volume = encodeURIComponent(
  'sum by (level, detected_level) (count_over_time({a="b"} | drop __error__[1m]))',
);
const logRange = 'start=1795434300000000000&end=1795434960000000000';
const newNames = encodeURIComponent(
  'group by (__name__) ({__name__!=""}) unless (group by (__name__) ({__name__!=""} offset 1h))',
);
const drilldown = encodeURIComponent(
  '{nestedSetParent<0 && resource.service.name="shop"} | select(status, resource.service.name, name)',
);

/** Here the languages are the real ones: what Grafana sends must reach the engine as a plan. */
describe('requests as Grafana sends them', () => {
  it.each([
    ['/loki/api/v1/query?direction=backward&query=vector(1)%2Bvector(1)&time=4000000000', 'series'],
    [
      `/loki/api/v1/query_range?direction=backward&${logRange}&limit=100&query=${selector}&step=15000ms`,
      'logRows',
    ],
    [`/loki/api/v1/query_range?direction=backward&${logRange}&query=${volume}&step=60000ms`, 'series'],
    [`/loki/api/v1/label/service_name/values?${logRange}&query=${selector}`, 'streamLabels'],
    [
      `/loki/api/v1/index/volume?${logRange}&query=${encodeURIComponent('{service_name=~".+"}')}&limit=5000`,
      'logVolume',
    ],
    [`/loki/api/v1/index/stats?${logRange}&query=${selector}`, 'logTotals'],
    [`/loki/api/v1/detected_labels?${logRange}&query=${selector}`, 'detectedLabels'],
    [`/loki/api/v1/detected_fields?${logRange}&query=${selector}&limit=1000`, 'detectedFields'],
    [`/loki/api/v1/detected_field/level/values?${logRange}&query=${selector}`, 'detectedFields'],
    [`/loki/api/v1/patterns?${logRange}&query=${selector}&step=10s`, 'logPatterns'],
    ['/api/v2/traces/7436776a6b3035702d74726163652d30', 'traceById'],
    [`/api/search?start=1795434960&end=1795435620&limit=20&q=${drilldown}&spss=10`, 'traceSearch'],
    ['/api/search?tags=service.name%3Dshop%20error%3Dtrue&minDuration=100ms', 'traceSearch'],
    ['/api/v2/search/tags?limit=5000&start=1795434960&end=1795435620', 'spanTags'],
    [
      `/api/v2/search/tag/resource.service.name/values?tag=resource.service.name&q=${drilldown}&limit=5000`,
      'spanTagValues',
    ],
    ['/api/v1/query?query=1%2B1&time=4', 'series'],
    [`/api/v1/query?query=${newNames}&time=1795435620`, 'series'],
    ['/api/v1/query_range?query=up&start=1795435020&end=1795435620&step=15', 'series'],
    ['/api/v1/label/__name__/values?start=1795435020&end=1795435620&limit=40000', 'seriesLabels'],
    [
      '/api/v1/series?match[]=traces_service_graph_request_server_seconds&limit=1&start=1&end=2',
      'seriesLabels',
    ],
    ['/api/v1/metadata?metric=up', 'metricMetadata'],
  ])('%s becomes a plan of %s', async (url, node) => {
    const search = new FakeSearch();
    const app = await serverOver(search);
    const response = await app.inject({
      url,
      headers: { 'accept-encoding': 'gzip', 'user-agent': 'Go-http-client/1.1', 'x-panel-id': '1' },
    });
    expect([response.statusCode, response.body]).toEqual([200, '{"told":true}']);
    expect(search.lastAsked.plan.node).toBe(node);
  });

  it.each([
    '/api/echo',
    '/api/v1/status/buildinfo',
    '/api/v1/rules',
    '/loki/api/v1/drilldown-limits',
    '/ready',
  ])('%s is answered without a plan', async (url) => {
    const search = new FakeSearch();
    const app = await serverOver(search);
    expect((await app.inject(url)).statusCode).toBe(200);
    expect(search.asked).toEqual([]);
  });
});
