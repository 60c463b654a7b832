import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVarve, type Varve } from '../support/varve.ts';
import { type GrafanaAnswer, get, type Parameters, postForm } from './requests.ts';
import { nanos, type Shop, sendShop } from './shop.ts';

let varve: Varve;
let shop: Shop;
let range: { start: string; end: string };

beforeAll(async () => {
  varve = await startVarve();
  shop = await sendShop(varve.ports);
  range = { start: nanos(shop.startMs - 60_000), end: nanos(shop.endMs) };
});

afterAll(async () => {
  await varve.stop();
});

const categorized = { 'x-loki-response-encoding-flags': 'categorize-labels' };

interface LogStream {
  stream: Record<string, string>;
  values: [
    string,
    string,
    { structuredMetadata?: Record<string, string>; parsed?: Record<string, string> },
  ][];
}

/** A query as the datasource's backend sends it: always with a step, in milliseconds. */
async function queryRange(parameters: Parameters, tags?: string): Promise<GrafanaAnswer> {
  return await get(
    varve.ports.loki,
    '/loki/api/v1/query_range',
    { direction: 'backward', step: '15000ms', ...range, ...parameters },
    { ...categorized, ...(tags === undefined ? {} : { 'x-query-tags': `Source=${tags}` }) },
  );
}

const streamsOf = (answer: GrafanaAnswer) => (answer.json() as { data: { result: LogStream[] } }).data.result;
const linesOf = (answer: GrafanaAnswer) =>
  streamsOf(answer)
    .flatMap(({ values }) => values)
    .map(([time, line]) => [time, line] as const);
const resource = async (path: string, parameters: Parameters) =>
  (await get(varve.ports.loki, `/loki/api/v1/${path}`, parameters, { accept: '*/*' })).json();

describe('opening Explore on Loki', () => {
  it('lists the labels that are indexed, sorted', async () => {
    expect(await resource('labels', range)).toEqual({
      status: 'success',
      data: ['service_instance_id', 'service_name', 'service_namespace'],
    });
  });

  it('lists the values of a label, also narrowed by what is chosen already', async () => {
    const values = 'label/service_name/values';
    expect(await resource(values, range)).toEqual({ status: 'success', data: ['shop', 'web'] });
    const narrowed = { ...range, query: '{service_instance_id="web-1"}' };
    expect(await resource(values, narrowed)).toEqual({ status: 'success', data: ['web'] });
    expect(await resource('label/no_such/values', range)).toEqual({ status: 'success', data: [] });
  });

  it('takes times as Logs Drilldown writes them', async () => {
    const iso = (ms: number) => new Date(ms).toISOString();
    const times = { start: iso(shop.startMs), end: iso(shop.endMs) };
    expect(await resource('label/service_name/values', times)).toMatchObject({ data: ['shop', 'web'] });
  });

  it('lists the streams of a selector', async () => {
    expect(await resource('series', { ...range, 'match[]': '{service_name=~"shop|web"}' })).toMatchObject({
      status: 'success',
      data: expect.arrayContaining([
        { service_name: 'web', service_namespace: 'prod', service_instance_id: 'web-1' },
      ]) as unknown,
    });
  });

  it('asks for labels by POST as well', async () => {
    const answer = await postForm(varve.ports.loki, '/loki/api/v1/labels', range);
    expect(answer.json()).toMatchObject({ status: 'success' });
  });
});

describe('a log query of Explore', () => {
  it('tells the type of its result before the result, and the flag that was asked for', async () => {
    const { status, type, text } = await queryRange({ query: '{service_name="shop"}', limit: '100' });
    expect([status, type.toLowerCase()]).toEqual([200, 'application/json; charset=utf-8']);
    expect(text).toMatch(/^\{"status":"success","data":\{"resultType":"streams",/);
    expect(JSON.parse(text)).toMatchObject({ data: { encodingFlags: ['categorize-labels'] } });
    expect(text.indexOf('"encodingFlags"')).toBeLessThan(text.indexOf('"result":'));
  });

  it('has stream labels in the stream and the rest beside each line', async () => {
    const streams = streamsOf(await queryRange({ query: '{service_name="shop"} | trace_id != ""' }));
    expect(streams).toEqual([
      {
        stream: { service_name: 'shop', service_namespace: 'prod', service_instance_id: 'shop-1' },
        values: [
          [
            nanos(shop.startMs + 9_000),
            'msg="payment declined" status=502 number=9',
            {
              structuredMetadata: {
                detected_level: 'error',
                host_name: 'vm-1',
                scope_name: 'checkout',
                severity_number: '17',
                severity_text: 'ERROR',
                span_id: shop.rootSpanId,
                trace_id: shop.traceId,
                user_id: 'u9',
              },
            },
          ],
        ],
      },
    ]);
  });

  it('tells parsed labels from stored ones', async () => {
    const query = '{service_name="shop"} | logfmt | status="502" | number="3"';
    const [found] = streamsOf(await queryRange({ query }));
    expect(found?.values[0]?.[2]).toMatchObject({
      parsed: { msg: 'payment declined', number: '3', status: '502' },
      structuredMetadata: { user_id: 'u3' },
    });
  });

  it('has a third element for every line, if only an empty one', async () => {
    const values = streamsOf(await queryRange({ query: '{service_name="web"}' })).flatMap((s) => s.values);
    expect(values).toHaveLength(4);
    for (const value of values) expect(value[2]).toEqual(expect.any(Object));
  });

  it('has pairs and all labels in the stream for clients without the flag', async () => {
    const answer = await get(varve.ports.loki, '/loki/api/v1/query_range', {
      query: '{service_name="shop"} |= "number=1"',
      ...range,
    });
    expect(streamsOf(answer)).toMatchObject([
      { stream: { service_name: 'shop', user_id: 'u1', detected_level: 'info' } },
    ]);
    expect(streamsOf(answer)[0]?.values[0]).toHaveLength(2);
    expect(answer.text).not.toContain('encodingFlags');
  });

  it('takes the newest lines first up to the limit, over all streams', async () => {
    const answer = await queryRange({ query: '{service_namespace="prod"}', limit: '6' });
    const times = linesOf(answer).map(([time]) => time);
    expect(times.toSorted().toReversed()).toEqual(
      [63, 62, 61, 60, 9, 8].map((second) => nanos(shop.startMs + second * 1_000)),
    );
  });

  it('leaves out what lies at the end of its range, so that split queries abut', async () => {
    const bounds = { start: nanos(shop.startMs + 2_000), end: nanos(shop.startMs + 5_000) };
    const lines = linesOf(await queryRange({ query: '{service_name="shop"}', ...bounds }));
    expect(lines.map(([time]) => time)).toEqual(
      expect.arrayContaining([2, 3, 4].map((second) => nanos(shop.startMs + second * 1_000))),
    );
    expect(lines).toHaveLength(3);
  });

  it('that finds nothing has an empty result, not none', async () => {
    expect((await queryRange({ query: '{service_name="nobody"}' })).json()).toMatchObject({
      status: 'success',
      data: { resultType: 'streams', result: [] },
    });
  });
});

describe('the log volume above the lines', () => {
  it('counts lines by level, each line in one bar', async () => {
    const query =
      'sum by (level, detected_level) (count_over_time({service_name="shop"} | drop __error__[1m]))';
    const times = { start: nanos(shop.startMs), end: nanos(shop.startMs + 180_000), step: '60000ms' };
    const answer = (await queryRange({ query, ...times }, 'logvolhist')).json() as {
      data: {
        resultType: string;
        result: { metric: Record<string, string>; values: [number, string][] }[];
      };
    };
    expect(answer.data.resultType).toBe('matrix');
    // The line at the very start belongs to the window that ends there, the others to the next.
    const first = shop.startMs / 1_000;
    expect(answer.data.result).toEqual([
      {
        metric: { detected_level: 'error' },
        values: [
          [first, '1'],
          [first + 60, '3'],
        ],
      },
      { metric: { detected_level: 'info' }, values: [[first + 60, '6']] },
    ]);
  });
});

describe("a row's context", () => {
  it('is the lines before it and the lines from it on', async () => {
    const row = shop.startMs + 5_000;
    const query = '{service_name="shop", service_namespace="prod", service_instance_id="shop-1"}';
    const before = await queryRange({
      query,
      limit: '3',
      direction: 'backward',
      start: nanos(row - 7_200_000),
      end: nanos(row),
    });
    const after = await queryRange({
      query,
      limit: '3',
      direction: 'forward',
      start: nanos(row),
      end: nanos(row + 7_200_000),
    });
    const seconds = (answer: GrafanaAnswer) =>
      linesOf(answer)
        .map(([time]) => Number(BigInt(time) / 1_000_000n - BigInt(shop.startMs)) / 1_000)
        .toSorted();
    expect([seconds(before), seconds(after)]).toEqual([
      [2, 3, 4],
      [5, 6, 7],
    ]);
  });
});

describe('metrics from logs', () => {
  it('are a vector at an instant', async () => {
    const query = 'sum by (service_name) (count_over_time({service_namespace="prod"}[15m]))';
    const answer = await get(
      varve.ports.loki,
      '/loki/api/v1/query',
      { direction: 'backward', limit: '100', query, time: range.end },
      categorized,
    );
    const time = shop.endMs / 1_000;
    expect(answer.json()).toMatchObject({
      data: {
        resultType: 'vector',
        result: [
          { metric: { service_name: 'shop' }, value: [time, '10'] },
          { metric: { service_name: 'web' }, value: [time, '4'] },
        ],
      },
    });
  });
});

describe('Logs Drilldown', () => {
  it('learns the limits and which pages there are', async () => {
    expect(await resource('drilldown-limits', {})).toMatchObject({
      limits: { volume_enabled: true, max_entries_limit_per_query: 5_000 },
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as unknown,
    });
  });

  it('orders services by the bytes of their lines', async () => {
    const answer = (await resource('index/volume', {
      ...range,
      query: '{service_name=~".+"}',
      limit: '5000',
    })) as {
      data: { resultType: string; result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    expect(answer.data.resultType).toBe('vector');
    expect(answer.data.result.map(({ metric }) => metric)).toEqual([
      { service_name: 'shop' },
      { service_name: 'web' },
    ]);
    expect(Number(answer.data.result[0]?.value[1])).toBeGreaterThan(100);
  });

  it('learns which labels tell something', async () => {
    const answer = await resource('detected_labels', { ...range, query: '{service_name="shop"}' });
    expect(answer).toEqual({
      detectedLabels: [
        { label: 'service_instance_id', cardinality: 1 },
        { label: 'service_name', cardinality: 1 },
        { label: 'service_namespace', cardinality: 1 },
      ],
    });
  });

  it('learns the fields of lines, and which come from structured metadata', async () => {
    const parameters = { ...range, query: '{service_name="shop"}', limit: '1000' };
    const { fields } = (await resource('detected_fields', parameters)) as {
      fields: { label: string; type: string; cardinality: number; parsers: string[] | null }[];
    };
    expect(fields.find(({ label }) => label === 'status')).toMatchObject({
      type: 'int',
      parsers: ['logfmt'],
    });
    expect(fields.find(({ label }) => label === 'user_id')).toMatchObject({ parsers: null, cardinality: 10 });
  });

  it('offers the values of a field', async () => {
    const parameters = { ...range, query: '{service_name="shop"}' };
    expect(await resource('detected_field/status/values', parameters)).toEqual({
      values: ['200', '502'],
      limit: 1_000,
    });
  });

  it('shows patterns that find the lines which they were made of', async () => {
    const parameters = { ...range, query: '{service_name="shop"}', step: '10s' };
    const { data } = (await resource('patterns', parameters)) as {
      data: { pattern: string; level: string; samples: [number, number][] }[];
    };
    const counts = data.map(({ samples }) => samples.reduce((sum, [, count]) => sum + count, 0));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10);
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
    expect(data.map(({ level }) => level).toSorted()).toEqual(expect.arrayContaining(['error', 'info']));
  });

  it('shows the size of a selector under the editor', async () => {
    const stats = await resource('index/stats', { ...range, query: '{service_namespace="prod"}' });
    expect(stats).toMatchObject({ streams: 2, entries: 14, bytes: expect.any(Number) as unknown });
  });
});

describe('a bad query', () => {
  it.each([
    ['{service_name="shop"', /^parse error at line 1, col \d+: syntax error: unexpected \$end/],
    ['{service_name=~".*"}', /^parse error : queries require at least one regexp or equality matcher/],
  ])('%s is refused in plain text', async (query, message) => {
    const { status, type, text } = await queryRange({ query });
    expect([status, type]).toEqual([400, 'text/plain; charset=utf-8']);
    expect(text).toMatch(message);
  });

  it('for lines at an instant is told to be a range query', async () => {
    const parameters = { query: '{service_name="shop"}', time: range.end };
    const { status, text } = await get(varve.ports.loki, '/loki/api/v1/query', parameters);
    expect([status, text.trim()]).toEqual([
      400,
      'log queries are not supported as an instant query type, please change your query to a range query type',
    ]);
  });

  it('with too high a limit names both numbers', async () => {
    const { status, text } = await queryRange({ query: '{service_name="shop"}', limit: '6000' });
    expect([status, text.trim()]).toEqual([
      400,
      'max entries limit per query exceeded, limit > max_entries_limit_per_query (6000 > 5000)',
    ]);
  });
});
