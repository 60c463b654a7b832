import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVarve, type Varve } from '../support/varve.ts';
import { get, type Parameters, postEmpty, postForm } from './requests.ts';
import { type Shop, sendShop } from './shop.ts';

let varve: Varve;
let shop: Shop;
/** Of the first sample, in seconds. */
let first: number;
let range: { start: string; end: string };

beforeAll(async () => {
  varve = await startVarve();
  shop = await sendShop(varve.ports);
  first = shop.startMs / 1_000;
  range = { start: String(first), end: String(first + 120) };
});

afterAll(async () => {
  await varve.stop();
});

const labelsOfOrders = {
  __name__: 'orders_total',
  branch: 'north',
  instance: 'shop-1',
  job: 'prod/shop',
};

const resource = async (path: string, parameters: Parameters = {}) =>
  (await get(varve.ports.prometheus, `/api/v1/${path}`, parameters, { accept: '*/*' })).json();
const queryRange = async (query: string, more: Parameters = {}) =>
  await postForm(varve.ports.prometheus, '/api/v1/query_range', { query, step: '15', ...range, ...more });

describe('a range query, posted as a form', () => {
  it('has the envelope, the type of its result before the result, and values as text', async () => {
    const { status, type, text } = await queryRange('orders_total{branch="north"}');
    expect([status, type]).toEqual([200, 'application/json']);
    expect(text).toMatch(/^\{"status":"success","data":\{"resultType":"matrix","result":\[/);
    expect(JSON.parse(text)).toEqual({
      status: 'success',
      data: {
        resultType: 'matrix',
        result: [
          {
            metric: expect.objectContaining(labelsOfOrders) as unknown,
            values: Array.from({ length: 9 }, (_, index) => [first + index * 15, String(10 * (index + 1))]),
          },
        ],
      },
    });
  });

  it('computes rates, with points at both ends of its range', async () => {
    const { text } = await queryRange('sum by (branch) (rate(orders_total[1m]))', {
      start: String(first + 60),
    });
    const values = [60, 75, 90, 105, 120].map((second) => [first + second, expect.any(String) as unknown]);
    expect(JSON.parse(text)).toMatchObject({
      data: { result: [{ metric: { branch: 'north' }, values }] },
    });
    const [, rate] = (JSON.parse(text) as { data: { result: [{ values: [[number, string]] }] } }).data
      .result[0].values[0];
    expect(Number(rate)).toBeCloseTo(10 / 15, 9);
  });

  it('takes steps that are fractions of a second', async () => {
    const times = { start: String(first), end: String(first + 1), step: '0.5' };
    const { text } = await queryRange('cart_items', times);
    expect(JSON.parse(text)).toMatchObject({
      data: {
        result: [
          {
            values: [
              [first, '2.5'],
              [first + 0.5, '2.5'],
              [first + 1, '2.5'],
            ],
          },
        ],
      },
    });
  });

  it('finds quantiles of histograms', async () => {
    const query = 'histogram_quantile(0.5, sum by (le) (rate(checkout_duration_seconds_bucket[1m])))';
    const { text } = await queryRange(query, { start: String(first + 120) });
    expect(JSON.parse(text)).toMatchObject({
      data: { result: [{ metric: {}, values: [[first + 120, '0.5']] }] },
    });
  });

  it('takes GET and parameters it does not know', async () => {
    const parameters = { query: 'cart_items', step: '15', ...range, max_source_resolution: '5m' };
    const answer = await get(varve.ports.prometheus, '/api/v1/query_range', parameters);
    expect(answer.json()).toMatchObject({ status: 'success', data: { resultType: 'matrix' } });
  });

  it('that finds nothing has an empty result', async () => {
    expect((await queryRange('no_such_metric')).text).toBe(
      '{"status":"success","data":{"resultType":"matrix","result":[]}}',
    );
  });
});

describe('an instant query', () => {
  it('has the time that was asked for, to the millisecond', async () => {
    const time = String(first + 120.25);
    const answer = await postForm(varve.ports.prometheus, '/api/v1/query', { query: 'orders_total', time });
    expect(answer.json()).toMatchObject({
      data: { resultType: 'vector', result: [{ metric: labelsOfOrders, value: [first + 120.25, '90'] }] },
    });
  });

  it('of Metrics Drilldown lists new metrics', async () => {
    const query =
      'group by (__name__) ({__name__!=""}) unless (group by (__name__) ({__name__!=""} offset 1h))';
    const answer = await postForm(varve.ports.prometheus, '/api/v1/query', { query, time: range.end });
    const { result } = (
      answer.json() as { data: { result: { metric: { __name__: string }; value: [number, string] }[] } }
    ).data;
    expect(result.map(({ metric }) => metric.__name__)).toEqual(
      expect.arrayContaining(['cart_items', 'checkout_duration_seconds_bucket', 'orders_total']),
    );
    expect(new Set(result.map(({ value }) => value[1]))).toEqual(new Set(['1']));
  });
});

describe('a refused query', () => {
  it.each([
    [{ query: 'sum(' }, /^invalid parameter "query": 1:5: parse error: /],
    [
      { query: 'up', step: '0.001' },
      /^exceeded maximum resolution of 11,000 points per timeseries\. Try decreasing the query resolution/,
    ],
    [
      { query: 'up', step: '0' },
      /zero or negative query resolution step widths are not accepted\. Try a positive integer/,
    ],
  ])('%j is bad data with its reason in the envelope', async ({ query, ...more }, message) => {
    const { status, type, text } = await queryRange(query, more);
    expect([status, type]).toEqual([400, 'application/json']);
    expect(JSON.parse(text)).toEqual({
      status: 'error',
      errorType: 'bad_data',
      error: expect.stringMatching(message) as unknown,
    });
  });

  it('whose sides match many to many fails in execution', async () => {
    const query = 'checkout_duration_seconds_bucket * on (job) checkout_duration_seconds_bucket';
    const { status, text } = await queryRange(query);
    expect([status, JSON.parse(text)]).toMatchObject([422, { status: 'error', errorType: 'execution' }]);
  });
});

describe('opening Explore on Prometheus', () => {
  it('lists metric names within rounded bounds', async () => {
    const names = (await resource('label/__name__/values', {
      start: String(first - 600),
      end: String(first + 600),
      limit: '40000',
    })) as { status: string; data: string[] };
    expect(names.status).toBe('success');
    expect(names.data).toEqual(names.data.toSorted());
    expect(names.data).toEqual(
      expect.arrayContaining([
        'cart_items',
        'checkout_duration_seconds_bucket',
        'checkout_duration_seconds_count',
        'checkout_duration_seconds_sum',
        'orders_total',
      ]),
    );
  });

  it('lists label names, of everything and of one metric', async () => {
    expect(await resource('labels', range)).toMatchObject({
      data: expect.arrayContaining(['__name__', 'branch', 'instance', 'job', 'le']) as unknown,
    });
    const { data } = (await resource('labels', { ...range, 'match[]': 'orders_total' })) as {
      data: string[];
    };
    expect(data).toEqual(expect.arrayContaining(['__name__', 'branch', 'instance', 'job']));
    expect(data).not.toContain('le');
  });

  it('lists metadata of all metrics and of one', async () => {
    const orders = [{ type: 'counter', help: 'Orders taken.', unit: '' }];
    expect(await resource('metadata')).toMatchObject({
      status: 'success',
      data: {
        orders_total: orders,
        cart_items: [{ type: 'gauge', help: 'Items in carts.' }],
        checkout_duration_seconds: [{ type: 'histogram' }],
      },
    });
    expect(await resource('metadata', { metric: 'orders_total' })).toEqual({
      status: 'success',
      data: { orders_total: orders },
    });
  });

  it('has no rules, and says so', async () => {
    expect(await resource('rules')).toEqual({ status: 'success', data: { groups: [] } });
  });
});

describe('pickers and variables', () => {
  it('get the values of a label for several selectors', async () => {
    const parameters = { ...range, 'match[]': ['orders_total', 'cart_items{branch="north"}'] };
    expect(await resource('label/job/values', parameters)).toEqual({
      status: 'success',
      data: ['prod/shop'],
    });
    expect(await resource('label/no_such/values', range)).toEqual({ status: 'success', data: [] });
  });

  it('get suggestions by a POST that has everything in its URL', async () => {
    const parameters = { 'match[]': 'orders_total', limit: '100', ...range };
    const labels = await postEmpty(varve.ports.prometheus, '/api/v1/labels', parameters);
    expect(labels.json()).toMatchObject({ data: expect.arrayContaining(['branch']) as unknown });
    const values = await postEmpty(varve.ports.prometheus, '/api/v1/label/branch/values', parameters);
    expect(values.json()).toEqual({ status: 'success', data: ['north'] });
  });

  it('get series, and none for the probe of native histograms', async () => {
    const series = await postForm(varve.ports.prometheus, '/api/v1/series', {
      ...range,
      'match[]': 'orders_total',
    });
    expect(series.json()).toMatchObject({ status: 'success', data: [labelsOfOrders] });
    const probe = { 'match[]': 'traces_service_graph_request_server_seconds', limit: '1', ...range };
    expect(await resource('series', probe)).toEqual({ status: 'success', data: [] });
  });

  it('may not ask for series of everything', async () => {
    const answer = await get(varve.ports.prometheus, '/api/v1/series', range);
    expect([answer.status, answer.json()]).toEqual([
      400,
      { status: 'error', errorType: 'bad_data', error: 'no match[] parameter provided' },
    ]);
  });

  it('reach the same under the prefix of Mimir and with doubled slashes', async () => {
    for (const path of ['/prometheus/api/v1/labels', '//api/v1/labels']) {
      const answer = await get(varve.ports.prometheus, path, range);
      expect([path, answer.status]).toEqual([path, 200]);
    }
  });
});
