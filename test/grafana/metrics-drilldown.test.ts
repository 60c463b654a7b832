import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVarve, type Varve } from '../support/varve.ts';
import { get, type Parameters, postForm } from './requests.ts';
import { type Shop, sendShop } from './shop.ts';

let varve: Varve;
let shop: Shop;
let range: { start: string; end: string };

beforeAll(async () => {
  varve = await startVarve();
  shop = await sendShop(varve.ports);
  range = { start: String(shop.startMs / 1_000), end: String(shop.endMs / 1_000) };
});

afterAll(async () => {
  await varve.stop();
});

async function resource(path: string, parameters: Parameters = {}, of: Varve = varve): Promise<unknown> {
  const answer = await get(of.ports.prometheus, `/api/v1/${path}`, parameters, { accept: '*/*' });
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return (answer.json() as { data: unknown }).data;
}

/** The last value of each series of a panel, by the only label there is, or '' without one. */
async function panel(query: string, of: Varve = varve): Promise<Record<string, number>> {
  const parameters = { query, step: '15', ...range };
  const answer = await postForm(of.ports.prometheus, '/api/v1/query_range', parameters);
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  const { data } = answer.json() as {
    data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
  };
  return Object.fromEntries(
    data.result.map(({ metric, values }) => [
      Object.values(metric).join(),
      Number(values.at(-1)?.[1] ?? Number.NaN),
    ]),
  );
}

// As the app writes it: what no filter fills leaves its comma behind.
const usage = '__ignore_usage__="", ';
const names = [
  'cart_items',
  'checkout_duration_seconds_bucket',
  'checkout_duration_seconds_count',
  'checkout_duration_seconds_sum',
  'orders_total',
];

describe('the list of metrics of Metrics Drilldown', () => {
  it.each([
    ['all', {}, names],
    ['those of a label', { 'match[]': '{branch="north",__name__!=""}' }, names],
    ['those of a prefix', { 'match[]': '{__name__=~"checkout.+"}' }, names.slice(1, 4)],
    ['those of a suffix', { 'match[]': '{__name__=~".+(_total)"}' }, names.slice(4)],
  ])('has %s', async (_what, parameters: Parameters, wanted) => {
    const found = await resource('label/__name__/values', { ...range, limit: '40000', ...parameters });
    expect(found).toEqual(expect.arrayContaining(wanted));
    expect((found as string[]).filter((name) => !wanted.includes(name) && name !== 'target_info')).toEqual(
      [],
    );
  });

  it('has those that are new, asked in the address', async () => {
    const selector = '{__name__!="",branch="north"}';
    const query = `group by (__name__) (${selector}) unless (group by (__name__) (${selector} offset 30m))`;
    const { result } = (await resource('query', { query, time: range.end })) as {
      result: { metric: { __name__: string } }[];
    };
    expect(result.map(({ metric }) => metric.__name__).toSorted()).toEqual(names);
  });

  it('tells what each is, all at once and one by one', async () => {
    const orders = { type: 'counter', help: 'Orders taken.', unit: '' };
    expect(await resource('metadata', { limit: '40000' })).toMatchObject({ orders_total: [orders] });
    expect(await resource('metadata', { metric: 'orders_total' })).toEqual({ orders_total: [orders] });
    expect(await resource('metadata', { metric: 'no_such_metric' })).toEqual({});
  });

  it('learns which server it is', async () => {
    expect(await resource('status/buildinfo')).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as unknown,
      revision: expect.any(String) as unknown,
    });
  });
});

describe('its panels', () => {
  it.each([
    ['a gauge', `avg(cart_items{${usage}})`, 2.5],
    ['a counter', `sum(rate(orders_total{${usage}}[1m0s]))`, 10 / 15],
    ['a summary of a histogram', `sum(rate(checkout_duration_seconds_count{${usage}}[1m0s]))`, 4 / 15],
    ['the number of series', `count(cart_items{${usage}})`, 1],
    ['an extreme', `max(cart_items{${usage}})`, 2.5],
    ['a spread', `stddev(cart_items{${usage}})`, 0],
    ['a quantile', `quantile(0.99,cart_items{${usage}})`, 2.5],
    ['a gauge without its infinities', `avg(cart_items{${usage}} and cart_items{${usage}} > -Inf)`, 2.5],
  ])('draw %s', async (_what, query, last) => {
    expect(await panel(query)).toEqual({ '': expect.closeTo(last, 9) as unknown });
  });

  it('draw how old a time is', async () => {
    const age = await panel(`time()-avg(cart_items{${usage}})`);
    expect(age).toEqual({ '': shop.endMs / 1_000 - 2.5 });
  });

  it('draw a histogram as a heatmap and by its percentiles', async () => {
    const buckets = `sum by (le) (rate(checkout_duration_seconds_bucket{${usage}}[1m0s]))`;
    expect(await panel(buckets)).toEqual({
      0.5: expect.closeTo(2 / 15, 9) as unknown,
      1: expect.closeTo(4 / 15, 9) as unknown,
      '+Inf': expect.closeTo(4 / 15, 9) as unknown,
    });
    for (const [percentile, seconds] of [
      [0.99, 0.99],
      [0.9, 0.9],
      [0.5, 0.5],
    ] as const)
      expect(await panel(`histogram_quantile(${percentile},${buckets})`)).toEqual({
        '': expect.closeTo(seconds, 9) as unknown,
      });
  });

  it('draw nothing, without an error, for what the filters leave nothing of', async () => {
    expect(await panel(`avg(cart_items{${usage}branch="south"})`)).toEqual({});
  });
});

describe('a breakdown by label', () => {
  it('offers the labels of the metric, and the values of each', async () => {
    const labels = await resource('labels', { ...range, limit: '40000', 'match[]': 'orders_total{}' });
    expect(labels).toEqual(expect.arrayContaining(['branch', 'instance', 'job']));
    const match = { 'match[]': 'orders_total{__ignore_usage__=""}' };
    expect(await resource('label/branch/values', { ...range, ...match })).toEqual(['north']);
  });

  it('draws a series for each value', async () => {
    const query = `sum by (branch) (rate(orders_total{branch!="", ${usage}}[1m0s]))`;
    expect(await panel(query)).toEqual({ north: expect.closeTo(10 / 15, 9) as unknown });
  });
});

describe('names that are no words', () => {
  it('are asked for in quotes, inside the braces', async () => {
    const dotted = await startVarve({
      settings: { 'otlp-translation-strategy': 'NoUTF8EscapingWithSuffixes' },
    });
    await sendShop(dotted.ports);
    const found = await resource('label/__name__/values', { ...range, limit: '40000' }, dotted);
    expect(found).toEqual(expect.arrayContaining(['cart.items', 'checkout.duration_seconds_bucket']));
    expect(await panel(`avg({${usage}"cart.items", })`, dotted)).toEqual({ '': 2.5 });
    const match = { 'match[]': '{"cart.items",__ignore_usage__=""}' };
    expect(await resource('labels', { ...range, ...match }, dotted)).toEqual(
      expect.arrayContaining(['branch']),
    );
    expect(await dotted.stop()).toBe(0);
  });
});
