import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVarve, type Varve } from '../support/varve.ts';
import { type Checkout, sendCheckout } from './checkout.ts';
import { get, type Parameters } from './requests.ts';
import { nanos } from './shop.ts';

let varve: Varve;
let checkout: Checkout;
/** Resources have times as text, queries as nanoseconds. */
let isoRange: { start: string; end: string };
let range: { start: string; end: string };

beforeAll(async () => {
  varve = await startVarve();
  checkout = await sendCheckout(varve.ports);
  const [startMs, endMs] = [checkout.startMs - 60_000, checkout.endMs];
  isoRange = { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() };
  range = { start: nanos(startMs), end: nanos(endMs) };
});

afterAll(async () => {
  await varve.stop();
});

const tags = { 'x-query-tags': 'Source=grafana-lokiexplore-app' };

async function resource(path: string, parameters: Parameters): Promise<unknown> {
  const answer = await get(
    varve.ports.loki,
    `/loki/api/v1/${path}`,
    { ...isoRange, ...parameters },
    { ...tags, accept: '*/*' },
  );
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return answer.json();
}

async function queryRange(query: string, more: Parameters = {}): Promise<unknown> {
  const answer = await get(
    varve.ports.loki,
    '/loki/api/v1/query_range',
    { direction: 'backward', query, step: '15000ms', ...range, ...more },
    { ...tags, 'x-loki-response-encoding-flags': 'categorize-labels' },
  );
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return (answer.json() as { data: { result: unknown } }).data.result;
}

interface Line {
  readonly line: string;
  readonly structuredMetadata?: Readonly<Record<string, string>>;
  readonly parsed?: Readonly<Record<string, string>>;
}

/** Lines of all streams as answered, each with the labels that its panel shows beside it. */
async function linesOf(query: string, more: Parameters = {}): Promise<Line[]> {
  const streams = (await queryRange(query, more)) as { values: [string, string, Omit<Line, 'line'>][] }[];
  return streams.flatMap(({ values }) => values.map(([, line, labels]) => ({ line, ...labels })));
}

/** The values of each series in the order of their times, by the only label there is, or '' without one. */
async function seriesOf(query: string): Promise<Record<string, number[]>> {
  const series = (await queryRange(query)) as {
    metric: Record<string, string>;
    values: [number, string][];
  }[];
  return Object.fromEntries(
    series.map(({ metric, values }) => [
      Object.values(metric).join(),
      values.map(([, value]) => Number(value)),
    ]),
  );
}

// As the app writes them: what no filter fills leaves its spaces behind.
const selector = '{service_name="checkout"}';
const mixed = '| json  | logfmt | drop __error__, __error_details__';
const everything = `${selector}     ${mixed}  `;

describe('the list of services of Logs Drilldown', () => {
  it('has each service with its bytes, also when its name is searched', async () => {
    for (const query of ['{service_name=~".+"}', '{service_name=~"(?i).*CHECK.*"}'])
      expect(await resource('index/volume', { query, limit: '5000' })).toMatchObject({
        data: { resultType: 'vector', result: [{ metric: { service_name: 'checkout' } }] },
      });
  });

  it('offers other labels to list by, asked with an empty selector', async () => {
    expect(await resource('detected_labels', { query: '' })).toEqual({
      detectedLabels: [
        { label: 'namespace', cardinality: 1 },
        { label: 'pod', cardinality: 2 },
        { label: 'service_name', cardinality: 1 },
      ],
    });
  });

  it('draws the lines of each by level', async () => {
    const query = 'sum by (detected_level) (count_over_time({ service_name="checkout" } [15s]))';
    expect(await seriesOf(query)).toEqual({ info: [1, 5], error: [1, 3] });
  });

  it('shows the newest lines of each, with fields where columns are chosen', async () => {
    const lines = await linesOf('{service_name=`checkout` }', { limit: '2' });
    expect(lines.map(({ line }) => line)).toEqual([
      'level=error method=POST status=502 took=4s size=4KB msg="order A-3 declined (card)"',
      'level=error method=POST status=502 took=3s size=3KB msg="order A-2 declined (card)"',
    ]);
    expect(await linesOf(`{service_name=\`checkout\` } ${mixed}`, { limit: '100' })).toHaveLength(10);
  });

  it('has no aggregated metrics, which is no error', async () => {
    const query =
      'sum by (detected_level) (sum_over_time({__aggregated_metric__=`checkout` } | logfmt | unwrap count [10s]))';
    expect(await seriesOf(query)).toEqual({});
  });

  it('asks for shards before it splits a query by them, and is told of none', async () => {
    const answer = await resource('label/__stream_shard__/values', { ...range, query: selector });
    expect(answer).toEqual({ status: 'success', data: [] });
  });
});

describe('the page of a service', () => {
  it('shows lines with what json, logfmt and the sender made of them, each in its category', async () => {
    const lines = await linesOf(everything, { limit: '1000' });
    expect(lines).toHaveLength(10);
    expect(lines[0]).toMatchObject({
      structuredMetadata: { agent: 'shop "beta"', detected_level: 'error', trace_id: 'trace-9' },
      parsed: { level: 'error', method: 'POST', size: '4KB', status: '502', took: '4s' },
    });
    expect(lines.at(-1)).toMatchObject({
      structuredMetadata: { agent: 'curl/8.5', detected_level: 'info', trace_id: 'trace-0' },
      parsed: { method: 'GET', ratio: '0', status: '200', took: '10ms', user_id: 'u0', user_plan: 'free' },
    });
    for (const { parsed } of lines) expect(parsed).not.toHaveProperty('__error__');
  });

  it('counts them all at an instant', async () => {
    const query = `sum(count_over_time(${everything}[3m]))`;
    const parameters = { direction: 'backward', query, time: range.end };
    const answer = await get(varve.ports.loki, '/loki/api/v1/query', parameters, tags);
    expect(answer.json()).toMatchObject({
      data: { resultType: 'vector', result: [{ metric: {}, value: [checkout.endMs / 1_000, '10'] }] },
    });
  });

  it('tells for each field its type, which parser finds it and where in JSON it lies', async () => {
    const { fields } = (await resource('detected_fields', { query: everything })) as {
      fields: { label: string; parsers: string[] | null }[];
    };
    const both = expect.toSatisfy(
      (parsers: string[]) => parsers.toSorted().join() === 'json,logfmt',
    ) as unknown;
    expect(fields).toEqual(
      [
        { label: 'agent', type: 'string', cardinality: 2, parsers: null },
        { label: 'detected_level', type: 'string', cardinality: 2, parsers: null },
        { label: 'level', type: 'string', cardinality: 2, parsers: both, jsonPath: ['level'] },
        { label: 'method', type: 'string', cardinality: 2, parsers: both, jsonPath: ['method'] },
        { label: 'msg', type: 'string', cardinality: 4, parsers: ['logfmt'] },
        // As in Loki the type is that of the value that is met last, in the oldest line: 0.
        { label: 'ratio', type: 'int', cardinality: 6, parsers: ['json'], jsonPath: ['ratio'] },
        { label: 'size', type: 'bytes', cardinality: 4, parsers: ['logfmt'] },
        { label: 'status', type: 'int', cardinality: 2, parsers: both, jsonPath: ['status'] },
        { label: 'took', type: 'duration', cardinality: 10, parsers: both, jsonPath: ['took'] },
        { label: 'trace_id', type: 'string', cardinality: 10, parsers: null },
        { label: 'user_id', type: 'string', cardinality: 3, parsers: ['json'], jsonPath: ['user', 'id'] },
        { label: 'user_plan', type: 'string', cardinality: 1, parsers: ['json'], jsonPath: ['user', 'plan'] },
      ].map((field) => expect.objectContaining(field) as unknown),
    );
  });

  it.each([
    ['status', ['200', '502']],
    ['user_id', ['u0', 'u1', 'u2']],
    ['agent', ['curl/8.5', 'shop "beta"']],
    ['detected_level', ['error', 'info']],
  ])('offers the values of %s to filter by', async (field, values) => {
    const answer = await resource(`detected_field/${field}/values`, {
      ...range,
      query: `${selector}      ${mixed} `,
      limit: '1000',
    });
    expect(answer).toEqual({ values, limit: 1_000 });
  });
});

describe('a breakdown', () => {
  it.each([
    [
      'a label',
      `sum(count_over_time({service_name="checkout" ,pod != ""}       [15s])) by (pod)`,
      {
        'checkout-1': [1, 5],
        'checkout-2': [1, 3],
      },
    ],
    [
      'the level',
      `sum(count_over_time(${selector}  | detected_level != ""     [15s])) by (detected_level)`,
      {
        info: [1, 5],
        error: [1, 3],
      },
    ],
    [
      'structured metadata',
      `sum by (agent) (count_over_time(${selector} | agent!=""       [15s]))`,
      {
        'curl/8.5': [1, 5],
        'shop "beta"': [1, 3],
      },
    ],
    [
      'a field of both kinds of lines',
      `sum by (status) (count_over_time(${selector}     | json   | logfmt | drop __error__, __error_details__  | status!=""  [15s]))`,
      {
        200: [1, 5],
        502: [1, 3],
      },
    ],
    [
      'a field inside an object',
      `sum by (user_id) (count_over_time(${selector}     | json user_id="[\\"user\\"][\\"id\\"]"  | drop __error__, __error_details__ | user_id!=""  [15s]))`,
      {
        u0: [1, 1],
        u1: [2],
        u2: [2],
      },
    ],
    [
      'durations, as their mean in seconds',
      `avg_over_time(${selector}     | json   | logfmt | drop __error__, __error_details__  | took!=""  | unwrap duration(took) | __error__="" [15s]) by ()`,
      {
        '': [0.01, expect.closeTo(0.013), 1, 3],
      },
    ],
    [
      'sizes, as their mean in bytes',
      `avg_over_time(${selector}     | logfmt | size!=""  | unwrap bytes(size) | __error__="" [15s]) by ()`,
      {
        '': [1_000, 3_000],
      },
    ],
    [
      'other numbers, as their mean',
      `avg_over_time(${selector}     | json   | drop __error__, __error_details__ | ratio!=""  | unwrap ratio | __error__="" [15s]) by ()`,
      {
        '': [0, 0.75],
      },
    ],
  ])('by %s', async (_what, query, series) => {
    expect(await seriesOf(query)).toEqual(series);
  });

  it('of one field of a group of errors counts over the whole range', async () => {
    const query = `sum by (method) (count_over_time(${selector} ${mixed} | keep method [3m]))`;
    const answer = await get(varve.ports.loki, '/loki/api/v1/query', { query, time: range.end }, tags);
    expect(answer.json()).toMatchObject({
      data: {
        result: [
          { metric: { method: 'GET' }, value: [checkout.endMs / 1_000, '6'] },
          { metric: { method: 'POST' }, value: [checkout.endMs / 1_000, '4'] },
        ],
      },
    });
  });
});

describe('filters', () => {
  it.each([
    ['labels', '{service_name="checkout", pod=~"checkout\\\\-1|checkout\\\\-2"}', 10],
    ['levels', `${selector} | detected_level="error" or detected_level="warn"`, 4],
    ['structured metadata with quotes in it', `${selector}  | agent="shop \\"beta\\""`, 4],
    ['words in any case', `${selector}    |~ "(?i)DECLINED \\\\(card\\\\)"`, 4],
    ['words that must not be there', `${selector}    != "A-3" !~ "A-[01]"`, 7],
    ['numbers', `${selector}     ${mixed} | status>400`, 4],
    ['several values of a field', `${selector}     ${mixed} | status="200" or status="502"`, 10],
    [
      'several values that a field must not have',
      `${selector}     ${mixed} | method!="GET" | method!="PUT"`,
      4,
    ],
    ['fields that a line does not have', `${selector}     ${mixed} | size=""`, 6],
    ['patterns that lines must not have', `${selector}   !> "level=<_>" !> "nothing <_>"`, 6],
    ['either of two patterns', `${selector}   |> "level=<_>" or "<_>GET<_>"`, 10],
  ])('by %s', async (_what, query, count) => {
    expect(await linesOf(query, { limit: '1000' })).toHaveLength(count);
  });

  it('show one object of the JSON once the reader has gone into it', async () => {
    const query = `${selector}     | json  user="user", user_id="user.id"| json | logfmt | drop __error__, __error_details__  | line_format "{{.user}}"`;
    const [first] = await linesOf(query, { limit: '1', direction: 'forward' });
    expect(first?.line).toBe('{"id":"u0","plan":"free"}');
    expect(first?.parsed).toMatchObject({ user_id: 'u0', method: 'GET' });
  });
});

describe('the patterns of a service', () => {
  it('are counted by level, and each opens into the values of its gaps', async () => {
    const { data } = (await resource('patterns', { query: selector, step: '10s' })) as {
      data: { pattern: string; level: string; samples: [number, number][] }[];
    };
    expect(data.map(({ level, samples }) => [level, samples.map(([, count]) => count)])).toEqual([
      ['info', [6]],
      ['error', [4]],
    ]);
    const pattern = data[1]?.pattern ?? '';
    let gaps = 0;
    const extractor = pattern.replaceAll('<_>', () => `<field_${(gaps += 1)}>`);
    const fields = Array.from({ length: gaps }, (_, index) => `field_${index + 1}`);
    const query = `${selector} |> \`${pattern}\` | pattern \`${extractor}\` | keep ${fields.join(' ,')} | line_format ""`;
    const lines = await linesOf(query, { limit: '200' });
    expect(lines).toHaveLength(4);
    for (const { line, parsed } of lines) {
      expect(line).toBe('');
      expect(Object.keys(parsed ?? {}).toSorted()).toEqual(fields);
    }
    expect(lines.flatMap(({ parsed }) => Object.values(parsed ?? {}))).toEqual(
      expect.arrayContaining(['A-0', 'A-1', 'A-2', 'A-3']),
    );
  });
});

describe('too many series', () => {
  const query = `sum by (trace_id) (count_over_time(${selector} | trace_id!="" [15s]))`;

  async function asked(
    settings: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>>,
  ) {
    const small = await startVarve({ settings });
    const { startMs, endMs } = await sendCheckout(small.ports);
    const parameters = { query, start: nanos(startMs), end: nanos(endMs), step: '15000ms' };
    const answer = await get(small.ports.loki, '/loki/api/v1/query_range', parameters, headers);
    expect(await small.stop()).toBe(0);
    return answer;
  }

  it('are cut to as many as may be answered, with a warning that the app knows', async () => {
    const answer = await asked({ 'query-loki-series-max': '3' }, tags);
    expect(answer.status).toBe(200);
    const { data, warnings } = answer.json() as { data: { result: unknown[] }; warnings: string[] };
    expect(data.result).toHaveLength(3);
    expect(warnings).toEqual([
      'maximum number of series (3) reached for a single query; returning partial results',
    ]);
  });

  it.each([
    ['of the answer, for anybody else', { 'query-loki-series-max': '3' }, {}],
    ['that are held, for the app too', { 'query-series-max': '3' }, tags],
  ])('are refused in words that the app shows as such: %s', async (_which, settings, headers) => {
    const { status, text } = await asked(settings, headers);
    expect([status, text]).toEqual([
      400,
      expect.stringMatching(/maximum of series \(3\) reached for a single query/),
    ]);
  });
});
