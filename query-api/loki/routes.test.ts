import { describe, expect, it, vi } from 'vitest';
import type * as front from '../../search/index.ts';
import { type ErrorCode, VarveError } from '../../storage/index.ts';
import { answerOf, FakeSearch, nowMs, serverOver, testOptions } from '../fake-search.ts';

vi.mock('../../search/index.ts', async (original) =>
  (await import('../fake-languages.ts')).withFakeLanguages(await original<typeof front>()),
);

const now = BigInt(nowMs) * 1_000_000n;
const hour = 3_600_000_000_000n;
const range = 'start=1795434300000000000&end=1795434960000000000';
const lines = encodeURIComponent('{a="b"}');
const rate = encodeURIComponent('rate({a="b"}[1m])');

/** The answer to a request, and what search was asked for it. */
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

describe('query_range', () => {
  it('plans what Grafana sends', async () => {
    const url = `/loki/api/v1/query_range?direction=backward&${range}&limit=1000&query=${lines}&step=15000ms`;
    const { response, search } = await ask(url, { 'x-loki-response-encoding-flags': 'categorize-labels' });
    expect(response.headers['content-type']).toBe('application/json; charset=UTF-8');
    expect(response.body).toBe('{"told":true}');
    expect(search.lastAsked.answer).toBe('lokiCategorized');
    expect(search.lastAsked.plan).toMatchObject({
      text: '{a="b"}',
      how: {
        kind: 'range',
        from: 1_795_434_300_000_000_000n,
        to: 1_795_434_960_000_000_000n,
        step: 15_000_000_000n,
        interval: 0n,
        limit: 1_000,
        direction: 'backward',
      },
    });
  });

  it('without parameters takes the last hour, 100 lines, newest first, a step of a 250th', async () => {
    const { search } = await ask(`/loki/api/v1/query_range?query=${lines}`);
    expect(search.lastAsked.answer).toBe('loki');
    expect(search.lastAsked.plan).toMatchObject({
      how: { from: now - hour, to: now, limit: 100, direction: 'backward', step: 14_000_000_000n },
    });
  });

  it('counts since back from an end in the past, and from now for one in the future', async () => {
    const past = await ask(`/loki/api/v1/query_range?query=${lines}&since=30m&end=1795431600`);
    expect(past.search.lastAsked.plan).toMatchObject({
      how: { from: now - hour - hour / 2n, to: now - hour },
    });
    const future = await ask(`/loki/api/v1/query_range?query=${lines}&since=30m&end=1795438800`);
    expect(future.search.lastAsked.plan).toMatchObject({ how: { from: now - hour / 2n, to: now + hour } });
  });

  it('moves the ends of a metric query to whole steps, as Loki does before it splits one', async () => {
    const metric = `query=${rate}&start=1795434610&end=1795434650&step=60`;
    const { search } = await ask(`/loki/api/v1/query_range?${metric}`);
    expect(search.lastAsked.plan).toMatchObject({
      how: { from: 1_795_434_600_000_000_000n, to: 1_795_434_660_000_000_000n },
    });
    const instant = await ask(
      `/loki/api/v1/query_range?query=${rate}&start=1795434610&end=1795434610&step=60`,
    );
    expect(instant.search.lastAsked.plan).toMatchObject({
      how: { from: 1_795_434_600_000_000_000n, to: 1_795_434_660_000_000_000n },
    });
  });

  it.each([
    ['1795434300', 1_795_434_300_000_000_000n],
    ['1795434300.25', 1_795_434_300_250_000_000n],
    ['1795434300123456789', 1_795_434_300_123_456_789n],
    ['2026-11-23T11:45:00.000000001Z', 1_795_434_300_000_000_001n],
    ['2026-11-23T12:45:00%2B01:00', 1_795_434_300_000_000_000n],
  ])('reads the time %s', async (text, from) => {
    const { search } = await ask(`/loki/api/v1/query_range?query=${lines}&start=${text}`);
    expect(search.lastAsked.plan).toMatchObject({ how: { from } });
  });

  it.each([
    ['start=2&end=1', 'end timestamp must not be before or equal to start time'],
    ['limit=-1', 'limit must be a positive value'],
    ['limit=ten', 'strconv.Atoi: parsing "ten": invalid syntax'],
    ['limit=9223372036854775808', 'strconv.Atoi: parsing "9223372036854775808": value out of range'],
    ['limit=4294967296', 'limit value 4294967296 is out of range [0, 4294967295]'],
    ['direction=sideways', "invalid direction 'sideways'"],
    ['step=-5', 'zero or negative query resolution step widths are not accepted. Try a positive integer'],
    ['step=soon', 'cannot parse "soon" to a valid duration'],
    ['interval=-1', 'interval must be >= 0'],
    ['since=x', 'could not parse \'since\' parameter: not a valid duration string: "x"'],
    ['start=noon', 'could not parse \'start\' parameter: strconv.ParseInt: parsing "noon": invalid syntax'],
    [
      'start=0&end=1795434960&step=1',
      'exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter',
    ],
    [
      'limit=100000',
      'max entries limit per query exceeded, limit > max_entries_limit_per_query (100000 > 5000)',
    ],
  ])('refuses %s as Loki does', async (params, message) => {
    expect(await refusal(`/loki/api/v1/query_range?query=${lines}&${params}`)).toBe(message);
  });

  it('takes an empty range', async () => {
    const { response } = await ask(`/loki/api/v1/query_range?query=${rate}&start=5&end=5`);
    expect(response.statusCode).toBe(200);
  });

  it('limits lines only, not series', async () => {
    const { response } = await ask(`/loki/api/v1/query_range?query=${rate}&limit=100000`);
    expect(response.statusCode).toBe(200);
  });

  it('says where the text is wrong in the words of the language', async () => {
    expect(await refusal('/loki/api/v1/query_range?query=bad')).toBe('parse error: unexpected bad');
  });

  it('may be limited in length', async () => {
    const loki = { ...testOptions.loki, queryLengthMaxMs: 30 * 86_400_000 + 3_600_000 };
    const app = await serverOver(new FakeSearch(), { loki });
    const response = await app.inject(`/loki/api/v1/query_range?query=${rate}&since=31d`);
    expect([response.statusCode, response.body]).toEqual([
      400,
      'the query time range exceeds the limit (query length: 31d, limit: 30d1h)',
    ]);
  });
});

describe('query', () => {
  it("answers the test button of Grafana's data source", async () => {
    const url = '/loki/api/v1/query?direction=backward&query=vector(1)%2Bvector(1)&time=4000000000';
    const { response, search } = await ask(url);
    expect(response.statusCode).toBe(200);
    expect(search.lastAsked.plan).toMatchObject({
      text: 'vector(1)+vector(1)',
      how: { kind: 'instant', time: 4_000_000_000_000_000_000n, direction: 'backward' },
    });
  });

  it('refuses log queries', async () => {
    expect(await refusal(`/loki/api/v1/query?query=${lines}`)).toBe(
      'log queries are not supported as an instant query type, please change your query to a range query type',
    );
  });

  it('refuses a bad time', async () => {
    expect(await refusal('/loki/api/v1/query?query=vector(1)&time=noon')).toBe(
      'strconv.ParseInt: parsing "noon": invalid syntax',
    );
  });
});

describe('labels and series', () => {
  const bounds = { from: '1795434300000000000', to: '1795434960000000000' };
  const a = { name: 'a', op: '=', value: 'b' };

  it.each([
    [`/loki/api/v1/labels?${range}`, [], { kind: 'names' }],
    [`/loki/api/v1/label?${range}&query=${lines}`, [[a]], { kind: 'names' }],
    [`/loki/api/v1/label/app%2Fx/values?${range}`, [], { kind: 'values', name: 'app/x' }],
    [`/loki/api/v1/label/app/values?${range}&query={}`, [], { kind: 'values', name: 'app' }],
    [`/loki/api/v1/series?${range}&match[]=${lines}&match=${lines}`, [[a], [a]], { kind: 'sets' }],
    [`/loki/api/v1/series?${range}&match[]={}`, [], { kind: 'sets' }],
    [`/loki/api/v1/series?${range}`, [], { kind: 'sets' }],
  ])('%s', async (url, selectors, of) => {
    const { search } = await ask(url);
    expect(search.lastAsked).toMatchObject({
      plan: { node: 'streamLabels', selectors, range: bounds, of },
      answer: 'loki',
    });
  });

  it('refuse a selector that is none', async () => {
    expect(await refusal('/loki/api/v1/series?match[]=bad')).toBe('parse error: unexpected bad');
  });
});

const bounds = { from: '1795434300000000000', to: '1795434960000000000' };

describe('index/stats and volumes', () => {
  const selected = [{ name: 'a', op: '=', value: 'b' }];

  it('count what a selector finds', async () => {
    const { search } = await ask(`/loki/api/v1/index/stats?${range}&query=${lines}`);
    expect(search.lastAsked.plan).toEqual({ node: 'logTotals', matchers: selected, range: bounds });
  });

  it("sum bytes by the selector's labels", async () => {
    const { search } = await ask(`/loki/api/v1/index/volume?${range}&query=${lines}&limit=5000`);
    expect(search.lastAsked.plan).toEqual({
      node: 'logVolume',
      matchers: selected,
      range: bounds,
      by: { kind: 'series', labels: ['a'] },
      step: '0',
      limit: 5_000,
    });
  });

  it('take other labels from targetLabels, of streams that have them, and every stream for {}', async () => {
    const { search } = await ask(
      `/loki/api/v1/index/volume_range?${range}&query={}&targetLabels=env,app&step=60`,
    );
    expect(search.lastAsked.plan).toMatchObject({
      matchers: [
        { name: 'env', op: '=~', value: '.+' },
        { name: 'app', op: '=~', value: '.+' },
      ],
      by: { kind: 'series', labels: ['env', 'app'] },
      step: '60000000000',
      limit: 100,
    });
  });

  it('show 100 series also where the limit is 0', async () => {
    const { search } = await ask(`/loki/api/v1/index/volume?${range}&query=${lines}&limit=0`);
    expect(search.lastAsked.plan).toMatchObject({ limit: 100 });
  });

  it('sum by names of labels', async () => {
    const { search } = await ask(`/loki/api/v1/index/volume?${range}&query=${lines}&aggregateBy=labels`);
    expect(search.lastAsked.plan).toMatchObject({ by: { kind: 'names', labels: [] } });
  });

  it('refuse an aggregation that does not exist', async () => {
    const url = `/loki/api/v1/index/volume?${range}&query=${lines}&aggregateBy=nonsense`;
    expect(await refusal(url)).toBe('invalid aggregation option');
  });
});

describe('what Logs Drilldown finds by looking at logs', () => {
  it('is labels of all streams, or of some', async () => {
    const all = await ask(`/loki/api/v1/detected_labels?${range}`);
    expect(all.search.lastAsked.plan).toEqual({ node: 'detectedLabels', matchers: [], range: bounds });
    const some = await ask(`/loki/api/v1/detected_labels?${range}&query=${lines}`);
    expect(some.search.lastAsked.plan).toMatchObject({ matchers: [{ name: 'a' }] });
  });

  it.each([
    ['detected_fields', { kind: 'all' }, 1_000, 100],
    ['detected_fields&limit=7&line_limit=9', { kind: 'all' }, 7, 9],
    ['detected_fields&field_limit=8', { kind: 'all' }, 8, 100],
    ['detected_field/a%2Fb/values', { kind: 'values', name: 'a/b' }, 1_000, 100],
  ])('is fields: %s', async (request, of, limit, lineLimit) => {
    const [path = '', ...more] = request.split('&');
    const url = `/loki/api/v1/${path}?${[range, `query=${lines}`, ...more].join('&')}`;
    const { search } = await ask(url);
    expect(search.lastAsked.plan).toMatchObject({ node: 'detectedFields', of, limit, lineLimit });
  });

  it.each([
    [`detected_fields?query=${lines}&line_limit=0`, 'line_limit must be a positive value'],
    [`detected_fields?query=${lines}&line_limit=6000`, 'max entries limit per query exceeded, limit > '],
    ['patterns?query=bad', 'parse error: unexpected bad'],
    ['labels?start=2&end=1', 'end timestamp must not be before or equal to start time'],
    ['label/a/values?start=2&end=1', 'end timestamp must not be before or equal to start time'],
    ['series?start=2&end=1', 'end timestamp must not be before or equal to start time'],
    [`index/stats?query=${lines}&limit=0`, 'limit must be a positive value'],
    [`index/stats?query=${lines}&step=-1`, 'zero or negative query resolution step widths'],
    [`index/volume?query=${lines}&direction=up`, "invalid direction 'up'"],
    [`index/volume_range?query=${lines}&interval=x`, 'cannot parse "x" to a valid duration'],
    ['detected_labels?start=2&end=1', 'end timestamp must not be before or equal to start time'],
    [`detected_fields?query=${lines}&step=-1`, 'zero or negative query resolution step widths'],
    [`detected_fields?query=${lines}&start=0&step=1`, 'exceeded maximum resolution of 11,000 points'],
  ])('refuses %s: %s', async (path, message) => {
    expect(await refusal(`/loki/api/v1/${path}`)).toContain(message);
  });

  it('is patterns, counted in steps of ten seconds at least', async () => {
    const fine = await ask(`/loki/api/v1/patterns?${range}&query=${lines}&step=1s`);
    expect(fine.search.lastAsked.plan).toMatchObject({ node: 'logPatterns', step: '10000000000' });
    const coarse = await ask(`/loki/api/v1/patterns?${range}&query=${lines}&step=60s`);
    expect(coarse.search.lastAsked.plan).toMatchObject({ step: '60000000000' });
  });
});

describe('format_query', () => {
  it('lays a query out for people, for anybody', async () => {
    const app = await serverOver(new FakeSearch(), { tenantDefault: null });
    const response = await app.inject(`/loki/api/v1/format_query?query=${lines}`);
    expect(response.json()).toEqual({ status: 'success', data: 'formatted {a="b"}' });
  });

  it('refuses a bad one in JSON', async () => {
    const { response } = await ask('/loki/api/v1/format_query?query=bad');
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({ status: 'invalid-query', error: 'parse error: unexpected bad' });
  });
});

describe('build information and rules', () => {
  it('names the Loki version that is offered', async () => {
    const { response } = await ask('/loki/api/v1/status/buildinfo');
    expect(response.json()).toMatchObject({ version: '3.5.0', revision: 'abc' });
  });

  it('has no rules', async () => {
    const rules = await ask('/loki/api/v1/rules');
    expect([rules.response.statusCode, rules.response.body]).toEqual([404, 'no rule groups found']);
    const list = await ask('/prometheus/api/v1/rules');
    expect(list.response.json()).toEqual({ status: 'success', data: { groups: [] } });
  });
});

describe('an error of a query', () => {
  it.each<[ErrorCode, number, string]>([
    [
      'QUERY_TIMEOUT',
      504,
      'request timed out, decrease the duration of the request or add more label matchers (prefer exact match over regex match) to reduce the amount of data processed: says which limit',
    ],
    ['QUERY_BUDGET', 400, 'says which limit'],
    ['QUERY_CANCELLED', 499, 'the request was cancelled by the client'],
    ['REGEX_INVALID', 400, 'says which limit'],
    ['OVERLOADED', 429, 'says which limit'],
    ['CLOSED', 503, 'says which limit'],
    ['STORE_CORRUPT', 500, 'says which limit'],
  ])('%s is a %d', async (code, status, text) => {
    const search = new FakeSearch();
    search.answer = () => Promise.reject(new VarveError(code, 'says which limit'));
    const app = await serverOver(search);
    const response = await app.inject(`/loki/api/v1/query_range?query=${lines}`);
    expect(response.statusCode).toBe(status);
    expect(response.body).toContain(text);
  });
});

describe('an empty answer', () => {
  it('is an answer', async () => {
    const search = new FakeSearch();
    search.answer = () => Promise.resolve(answerOf('{"status":"success","data":[]}', true));
    const app = await serverOver(search);
    const response = await app.inject('/loki/api/v1/labels');
    expect([response.statusCode, response.json()]).toEqual([200, { status: 'success', data: [] }]);
  });
});
