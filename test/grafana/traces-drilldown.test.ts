import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVarve, type Varve } from '../support/varve.ts';
import { get, type Parameters } from './requests.ts';
import { nanos, type Shop, sendShop } from './shop.ts';
import { unknownFields } from './tempo-schema.ts';

let varve: Varve;
let shop: Shop;
let range: { start: string; end: string };

beforeAll(async () => {
  varve = await startVarve();
  shop = await sendShop(varve.ports);
  range = { start: String(shop.startMs / 1_000 - 60), end: String(shop.endMs / 1_000) };
});

afterAll(async () => {
  await varve.stop();
});

type Value = Readonly<Record<string, string | number>>;
interface Series {
  readonly labels: readonly { key: string; value: Value }[];
  readonly samples: readonly { timestampMs: string; value?: number }[];
  readonly exemplars?: readonly { labels: readonly { key: string; value: Value }[]; value: number }[];
}

async function metrics(q: string, more: Parameters = {}): Promise<readonly Series[]> {
  const parameters = { q, exemplars: '10', step: '1m', ...range, ...more };
  const accept = { accept: 'application/json' };
  const answer = await get(varve.ports.tempo, '/api/metrics/query_range', parameters, accept);
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return (answer.json() as { series: Series[] }).series;
}

const textOf = (value: Value | undefined) => String(Object.values(value ?? {})[0]);
const labelOf = ({ labels }: Series, name: string) => textOf(labels.find(({ key }) => key === name)?.value);

/** What a series counts over the whole range, from its rates. */
const countOf = ({ samples }: Series) =>
  Math.round(samples.reduce((sum, { value = 0 }) => sum + value, 0) * 60);

interface FoundTrace {
  readonly traceID: string;
  readonly spanSets: readonly {
    matched: number;
    spans: readonly { spanID: string; name?: string; attributes: readonly { key: string; value: Value }[] }[];
  }[];
}

async function search(q: string, more: Parameters = {}): Promise<readonly FoundTrace[]> {
  const parameters = { q, limit: '200', spss: '10', ...range, ...more };
  const accept = { accept: 'application/json' };
  const answer = await get(varve.ports.tempo, '/api/search', parameters, accept);
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  expect(unknownFields(answer.json())).toEqual([]);
  return (answer.json() as { traces: FoundTrace[] }).traces;
}

// As the app writes them: the kind of spans that is looked at, then the filters, or true without any.
const roots = 'nestedSetParent<0 && true';
const all = 'true && true';

describe('opening Traces Drilldown', () => {
  it('asks for the rate of everything at one point, to learn whether there are metrics', async () => {
    const [series] = await metrics('{} | rate()', { step: '180s' });
    const rates = series?.samples.map(({ value = 0 }) => value) ?? [];
    expect(Math.max(...rates)).toBeGreaterThan(0);
  });

  it('lists attributes to break down by, and the values of one among root spans', async () => {
    const tags = await get(varve.ports.tempo, '/api/v2/search/tags', { limit: '5000', ...range });
    const { scopes } = tags.json() as { scopes: { name: string; tags: string[] }[] };
    expect(scopes.find(({ name }) => name === 'resource')?.tags).toContain('service.name');
    const path = '/api/v2/search/tag/resource.service.name/values';
    const values = await get(varve.ports.tempo, path, { q: `{${roots}}`, limit: '5000', ...range });
    expect(values.json()).toMatchObject({ tagValues: [{ type: 'string', value: 'shop' }] });
  });
});

describe('its three panels', () => {
  it.each([
    ['root spans', `{${roots}} | rate() `, 2],
    ['all spans', `{${all}} | rate() `, 4],
    ['server spans', '{kind=server && true} | rate() ', 2],
    ['database calls', '{span.db.system!="" && true} | rate() ', 1],
    ['errors', `{${roots} && status=error} | rate() `, 1],
    ['spans that a filter keeps', '{true && resource.service.name="web"} | rate() ', 1],
  ])('draw the rate of %s', async (_what, query, count) => {
    const series = await metrics(query);
    expect(series.map(countOf)).toEqual([count]);
  });

  it('link each peak to a trace', async () => {
    const [series] = await metrics(`{${roots} && status=error} | rate() `);
    const links = series?.exemplars?.map(({ labels }) =>
      textOf(labels.find(({ key }) => key === 'trace:id')?.value),
    );
    expect(links).toEqual([shop.traceId]);
  });

  it('draw durations by quantile, several at once', async () => {
    const series = await metrics(`{${roots}} | quantile_over_time(duration, 0.5,0.9) `);
    expect(series.map((one) => labelOf(one, 'p'))).toEqual(['0.5', '0.9']);
    const longest = series.map(({ samples }) => Math.max(...samples.map(({ value = 0 }) => value)));
    for (const seconds of longest) expect(seconds).toBeCloseTo(0.25, 1);
  });

  it('draw durations as a heatmap', async () => {
    const series = await metrics(`{${roots}} | histogram_over_time(duration) with(sample=true)`);
    const counted = series.map((one) => [
      labelOf(one, '__bucket'),
      one.samples.reduce((sum, { value = 0 }) => sum + value, 0),
    ]);
    expect(counted).toEqual([
      ['0.001048576', 1],
      ['0.268435456', 1],
    ]);
  });
});

describe('a breakdown by attribute', () => {
  it('has a series for each value, and only spans that have one', async () => {
    const key = 'resource.service.name';
    const byService = await metrics(`{${all} && ${key} != nil} | rate() by(${key}) with(sample=true)`);
    expect(byService.map((one) => [labelOf(one, key), countOf(one)])).toEqual([
      ['shop', 3],
      ['web', 1],
    ]);
    const byStatus = 'span.http.status_code';
    const durations = await metrics(
      `{${all} && ${byStatus} != nil} | quantile_over_time(duration, 0.9) by(${byStatus}) with(sample=true)`,
    );
    expect(durations.map((one) => labelOf(one, byStatus))).toEqual(['500']);
  });

  it('of one value has that one', async () => {
    const key = 'resource.service.name';
    const series = await metrics(`{${all} && ${key}="web"} | rate() by(${key})`);
    expect(series.map((one) => [labelOf(one, key), countOf(one)])).toEqual([['web', 1]]);
  });
});

describe('the comparison', () => {
  /** How often each value of `attribute` is among the spans that are selected, and among the others. */
  const compared = (found: readonly Series[], attribute: string) =>
    Object.fromEntries(
      found
        .filter(({ labels }) => labels.some(({ key }) => key === attribute))
        .map((one) => [
          `${labelOf(one, '__meta_type')} ${labelOf(one, attribute)}`,
          one.samples.reduce((sum, { value = 0 }) => sum + value, 0),
        ]),
    );

  it('sets errors against the rest, attribute by attribute', async () => {
    const found = await metrics(`{${roots}} | compare({status = error}, 10)`, { step: '180s' });
    expect(compared(found, 'name')).toMatchObject({
      'selection POST /pay': 1,
      'baseline GET /healthz': 1,
    });
    expect(found.map((one) => labelOf(one, '__meta_type'))).toEqual(
      expect.arrayContaining(['baseline_total', 'selection_total']),
    );
  });

  it('sets what was selected in the heatmap, by length and time, against the rest', async () => {
    const times = [shop.startMs - 1_000, shop.startMs + 20_000].map(nanos).join(', ');
    const selection = `{duration >= 100ms && duration <= 1s}, 10, ${times}`;
    const found = await metrics(`{${all}} | compare(${selection})`, { step: '180s' });
    expect(compared(found, 'name')).toMatchObject({
      'selection POST /pay': 1,
      'selection SELECT orders': 1,
      'baseline render receipt': 1,
      'baseline GET /healthz': 1,
    });
  });
});

describe('the structure of traces', () => {
  it('comes as spans with their places in the tree', async () => {
    const query = `({${roots} && status = error} &>> { status = error }) || ({${roots} && status = error}) | select(status, resource.service.name, name, nestedSetParent, nestedSetLeft, nestedSetRight)`;
    const found = await search(query, { spss: '20' });
    expect(found).toMatchObject([
      {
        traceID: shop.traceId.replace(/^0+/, ''),
        spanSets: [{ matched: 1, spans: [{ spanID: shop.rootSpanId, name: 'POST /pay' }] }],
      },
    ]);
    expect(found[0]?.spanSets[0]?.spans[0]?.attributes).toEqual(
      expect.arrayContaining([
        { key: 'nestedSetParent', value: { intValue: '-1' } },
        { key: 'nestedSetLeft', value: { intValue: '1' } },
        { key: 'nestedSetRight', value: { intValue: '6' } },
        { key: 'service.name', value: { stringValue: 'shop' } },
      ]),
    );
  });

  it('has the children as well', async () => {
    const query = `({${roots} } &>> { kind = internal }) || ({${roots} }) | select(status, resource.service.name, name, nestedSetParent, nestedSetLeft, nestedSetRight)`;
    const found = await search(query, { spss: '20' });
    const spans = found.flatMap(({ spanSets }) => spanSets.flatMap((set) => set.spans));
    expect(spans.map(({ name }) => name).toSorted()).toEqual(['GET /healthz', 'POST /pay', 'render receipt']);
    const parents = spans.map(({ name, attributes }) => [
      name,
      textOf(attributes.find(({ key }) => key === 'nestedSetParent')?.value),
    ]);
    expect(Object.fromEntries(parents)).toEqual({
      'GET /healthz': '-1',
      'POST /pay': '-1',
      'render receipt': '1',
    });
  });
});

describe('lists of spans', () => {
  it('of exceptions have what was thrown', async () => {
    const query = `{${roots} && status = error} | select(resource.service.name, event.exception.message,event.exception.stacktrace,event.exception.type) with(most_recent=true)`;
    const [found] = await search(query, { limit: '400' });
    expect(found?.spanSets[0]?.spans[0]?.attributes).toEqual(
      expect.arrayContaining([{ key: 'exception.type', value: { stringValue: 'Declined' } }]),
    );
  });

  it.each([
    ['slow ones', `{${roots}&& duration > 100ms} | select(span.http.method, status)`],
    ['those selected', `{${roots}&& duration >= 100ms && duration <= 1s} | select(span.http.method, status)`],
    ['failed ones', `{${roots} && status = error} | select(span.http.method, status)`],
  ])('of %s have the columns that are chosen', async (_what, query) => {
    const found = await search(query);
    expect(found).toHaveLength(1);
    expect(found[0]?.spanSets[0]?.spans[0]?.attributes).toEqual(
      expect.arrayContaining([
        { key: 'http.method', value: { stringValue: 'POST' } },
        { key: 'status', value: { stringValue: 'error' } },
      ]),
    );
  });
});
