import { describe, expect, it } from 'vitest';
import { parseTenant, type QueryAnswer } from '../storage/index.ts';
import { createSearch, explain, lookup, parseTraceId } from './index.ts';
import type { Query } from './plan/generated.ts';

const hour = 3_600_000_000_000n;
const range = { from: 0n, to: hour };
const app = [{ name: 'app', op: '=', value: 'x' }] as const;

describe('a look-up', () => {
  it.each([
    [lookup.traceById(parseTraceId('2F3e')), `trace ${'2f3e'.padStart(32, '0')}`],
    [lookup.traceById(parseTraceId('1'), range), `trace ${'1'.padStart(32, '0')} [0s, 3600s)`],
    [
      lookup.traceById(parseTraceId('1'), undefined, { condition: null, above: null, below: 1 }),
      `trace ${'1'.padStart(32, '0')} and all levels above, 1 below`,
    ],
    [lookup.streamLabels([], range, { kind: 'names' }), 'stream label names [0s, 3600s)'],
    [
      lookup.streamLabels([app, []], range, { kind: 'values', name: 'env' }),
      'stream values of env [0s, 3600s) of {app="x"} or {}',
    ],
    [
      lookup.seriesLabels([app], range, { kind: 'sets' }, 5),
      'series label sets [0s, 3600s) of {app="x"} limit 5',
    ],
    [lookup.seriesCardinality(range, 10), 'series counts [0s, 3600s) limit 10'],
    [lookup.exemplars([app], range), 'exemplars [0s, 3600s) of {app="x"}'],
    [lookup.metricMetadata(null, 0, 0), 'metadata of all metrics limit 0'],
    [lookup.metricMetadata('up', 1, 2), 'metadata of up limit 1×2'],
    [lookup.spanTags('resource', null, range, 10), 'span tags of resource [0s, 3600s) limit 10'],
    [
      lookup.spanTagValues(
        { kind: 'intrinsic', name: 'name' },
        {
          kind: 'field',
          field: { kind: 'attribute', scope: null, name: 'ok', parent: false },
        },
        range,
        0,
      ),
      'span values of name [0s, 3600s) where .ok limit 0',
    ],
  ])('%# is planned without a language', (plan, explained) => {
    expect(explain(plan)).toBe(explained);
  });
});

describe('a trace id', () => {
  it.each([
    ['', 'trace id has 0 digits; it must have 1 to 32'],
    ['1'.repeat(33), 'trace id has 33 digits; it must have 1 to 32'],
    ['12-4', "trace IDs can only contain hex characters: invalid character '-' at position 3"],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseTraceId(text)).toThrow(message);
  });
});

describe('a search', () => {
  const options = {
    queryTimeoutMs: 30_000,
    queriesRunningMax: 2,
    queriesWaitingPerTenantMax: 10,
    queryMemoryMaxBytes: 1_000,
    querySeriesMax: 10,
    querySamplesMax: 100,
  };
  const plan = lookup.metricMetadata(null, 0, 0);

  async function asked(timeoutMs?: number): Promise<{ query: unknown; signal: AbortSignal | undefined }> {
    let seen: { query: unknown; signal: AbortSignal | undefined } | undefined;
    const storage = {
      sql: () => Promise.reject(new Error('no statement is asked here')),
      query: (json: string, signal?: AbortSignal): Promise<QueryAnswer> => {
        seen = { query: JSON.parse(json), signal };
        return Promise.resolve({ body: Buffer.from('{}'), empty: true, warnings: [], stats });
      },
    };
    const request = { tenants: [parseTenant('a'), parseTenant('b')], plan, answer: 'prometheus' } as const;
    const { signal } = new AbortController();
    await createSearch(storage, options).run({
      ...request,
      signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    if (seen === undefined) throw new Error('storage was not asked');
    return seen;
  }
  const stats = {
    segmentsTotal: 0,
    segmentsRead: 0,
    leftOut: { byTime: 0, byLabels: 0, byTraceFilter: 0, byText: 0, byKept: 0, byLimit: 0 },
    rowsRead: 0,
    memtableRowsRead: 0,
    bytesRead: 0,
    rowsMatched: 0,
    tracesRead: 0,
    elapsedNs: 0,
    queuedNs: 0,
    memoryPeakBytes: 0,
  };

  it('hands tenants, plan, answer, budget and signal to storage, once', async () => {
    const { query, signal } = await asked();
    expect(query).toEqual({
      tenants: ['a', 'b'],
      plan,
      answer: 'prometheus',
      budget: { deadlineMs: 30_000, memoryMaxBytes: 1_000, seriesMax: 10, samplesMax: 100 },
      queuedUs: 0,
    });
    expect(signal).toBeInstanceOf(AbortSignal);
  });
  it.each([
    [5_000, 5_000],
    [60_000, 30_000],
    [0.4, 1],
  ])('asked to take %d ms may take %d ms', async (timeoutMs, deadlineMs) => {
    expect((await asked(timeoutMs)).query).toMatchObject({ budget: { deadlineMs } });
  });
  it('tells native code how long it waited, and has so much less time', async () => {
    const queries: Query[] = [];
    const storage = {
      query: async (json: string): Promise<QueryAnswer> => {
        queries.push(JSON.parse(json) as Query);
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { body: Buffer.from('{}'), empty: true, warnings: [], stats };
      },
      sql: () => Promise.reject(new Error('no statement is asked here')),
    };
    const search = createSearch(storage, { ...options, queriesRunningMax: 1 });
    const request = { tenants: [parseTenant('a')], plan, answer: 'prometheus' } as const;
    await Promise.all([search.run(request), search.run(request)]);
    const [first, second] = queries;
    expect(first?.queuedUs).toBe(0);
    expect(second?.queuedUs).toBeGreaterThan(10_000);
    expect(second?.budget.deadlineMs).toBeLessThan(30_000);
  });
});
