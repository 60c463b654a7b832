import type { LogFacts } from './logs.ts';
import type { DataRange } from './payload.ts';
import { type Latency, latencyOf } from './percentiles.ts';
import type { SampleFacts } from './samples.ts';
import type { Answer, Client } from './send.ts';
import type { SpanFacts } from './spans.ts';

/** A question whose answer is known, so that a wrong one is not measured as a fast one. */
export interface Query {
  readonly name: string;
  /** The request of the `repeat`-th time. */
  request(repeat: number): QueryRequest;
  /** How many things the answer must hold, and how to count them in it. */
  readonly expected: number;
  count(answer: Answer): number;
}

interface QueryRequest {
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** POSTed, if there is one. */
  readonly body?: string;
}

export interface QueryResult {
  readonly name: string;
  /** Null when the answer was not as expected. */
  readonly latency: Latency | null;
  /** What was wrong with the answer. */
  readonly problem: string | null;
  readonly repeats: number;
}

/** A slow query is asked less often, so that a run ends. */
const queryTimeMaxMs = 10_000;
const repeatsMin = 3;

/** Asks a query again and again, one at a time; stops at the first wrong answer. */
export async function ask(client: Client, query: Query, repeats: number): Promise<QueryResult> {
  const timesMs: number[] = [];
  const startedAt = performance.now();
  for (let repeat = 0; repeat < repeats; repeat++) {
    const { path, parameters, body } = query.request(repeat);
    const askedAt = performance.now();
    const answer =
      body === undefined
        ? await client.get(path, parameters)
        : await client.post(path, { 'content-type': 'application/sql' }, Buffer.from(body));
    timesMs.push(performance.now() - askedAt);
    const problem = problemOf(query, answer);
    if (problem !== null) return { name: query.name, latency: null, problem, repeats: repeat };
    if (repeat + 1 >= repeatsMin && performance.now() - startedAt > queryTimeMaxMs) break;
  }
  return { name: query.name, latency: latencyOf(timesMs), problem: null, repeats: timesMs.length };
}

function problemOf(query: Query, answer: Answer): string | null {
  if (answer.status !== 200) return `${answer.status} ${answer.body.toString('utf8', 0, 300).trim()}`;
  const found = query.count(answer);
  return found === query.expected ? null : `${found} found, ${query.expected} expected`;
}

function sql(name: string, expected: number, statement: (repeat: number) => string): Query {
  return {
    name: `SQL: ${name}`,
    request: (repeat) => ({ path: '/api/sql', parameters: {}, body: statement(repeat) }),
    expected,
    count: (answer) => (jsonOf(answer) as { rows: unknown[] }).rows.length,
  };
}

export function logQueries({ range, needle, ofService }: LogFacts): Query[] {
  const times = { start: `${range.fromMs}000000`, end: `${range.toMs + 1_000}000000` };
  const everything = '{service_name=~".+"}';
  const byService = `sum by (service_name)`;
  const [service, ofOne] = [...ofService][0] ?? ['frontend', 0];
  const lines = (name: string, query: string, limit: number, expected: number): Query => ({
    name,
    request: () => range_(query, { limit: String(limit) }),
    expected,
    count: (answer) => resultOf(answer).reduce((sum, { values = [] }) => sum + values.length, 0),
  });
  const range_ = (query: string, more: Readonly<Record<string, string>>) => ({
    path: '/loki/api/v1/query_range',
    parameters: { query, ...times, ...more },
  });
  // Asked again, the program still knows which lines count; so each is also asked as if for the first time.
  const counted = (name: string, stages: (repeat: number) => string): Query => ({
    name,
    request: (repeat) => ({
      path: '/loki/api/v1/query',
      parameters: {
        query: `${byService} (count_over_time(${everything} ${stages(repeat)} [2h]))`,
        time: times.end,
      },
    }),
    expected: ofService.size,
    count: (answer) => resultOf(answer).length,
  });
  return [
    lines('needle in everything', `${everything} |= "${needle}"`, 100, 1),
    lines('last 1,000 of a service', `{service_name="${service}"}`, 1_000, Math.min(1_000, ofOne)),
    {
      name: 'rate by service',
      request: () => range_(`${byService} (rate(${everything}[1m]))`, { step: '60s' }),
      expected: ofService.size,
      count: (answer) => resultOf(answer).length,
    },
    counted('json filter, counted by service', () => '| json | status >= 200 | __error__=""'),
    counted(
      'the same, never asked before',
      (repeat) => `| json | status >= 200 | user != "nobody-${repeat}" | __error__=""`,
    ),
    counted('phrase, counted by service', () => '|= "payment accepted"'),
    counted('the same, never asked before', (repeat) => `|= "payment accepted" != "nobody-${repeat}"`),
    sql(
      'needle in everything',
      1,
      () => `SELECT time, service, body FROM logs WHERE body LIKE '%${needle}%'`,
    ),
    sql(
      'errors and lines by service',
      ofService.size,
      () => "SELECT service, count(*), count(*) FILTER (WHERE level = 'error') FROM logs GROUP BY service",
    ),
  ];
}

export function spanQueries({ range, traces, rareUser }: SpanFacts): Query[] {
  const { start, end } = secondsOf(range);
  const spansOfTrace = traces[0]?.spans ?? 0;
  const search = (name: string, q: string, expected: number): Query => ({
    name,
    request: () => ({ path: '/api/search', parameters: { q, start, end, limit: '20' } }),
    expected,
    count: (answer) => (jsonOf(answer) as { traces: unknown[] }).traces.length,
  });
  return [
    {
      name: 'trace by id',
      request: (repeat) => ({
        path: `/api/traces/${traces[repeat % traces.length]?.id ?? ''}`,
        parameters: {},
      }),
      expected: spansOfTrace,
      count: (answer) => answer.body.toString('utf8').split('"spanId"').length - 1,
    },
    search('one attribute value', `{ span.user.id = "${rareUser}" }`, 1),
    search('slow db spans', '{ span.db.system.name = "postgresql" && duration > 100ms }', 20),
    search('structural', '{ resource.service.name = "gateway" } >> { status = error }', 20),
    sql(
      'trace by id',
      spansOfTrace,
      (repeat) =>
        `SELECT time, service, name, duration_ns FROM spans WHERE trace_id = '${traces[repeat % traces.length]?.id ?? ''}'`,
    ),
  ];
}

export function sampleQueries({ range, oneSeries, jobs }: SampleFacts): Query[] {
  const { start, end } = secondsOf(range);
  const over = (name: string, query: string, expected: number): Query => ({
    name,
    request: () => ({
      path: '/api/v1/query_range',
      parameters: { query, start, end, step: '15' },
    }),
    expected,
    count: (answer) => resultOf(answer).length,
  });
  return [
    over('sum by (job) (rate)', 'sum by (job) (rate(http_requests_total[5m]))', jobs),
    over(
      'histogram_quantile',
      'histogram_quantile(0.9, sum by (job, le) (rate(http_request_duration_seconds_bucket[5m])))',
      jobs,
    ),
    over('one series', oneSeries, 1),
    over('avg of a gauge', 'avg(process_resident_memory_bytes)', 1),
    sql(
      'mean of a gauge by job',
      jobs,
      () =>
        "SELECT labels['job'], avg(value) FROM samples WHERE metric = 'process_resident_memory_bytes' GROUP BY 1",
    ),
  ];
}

interface ResultEntry {
  readonly values?: readonly unknown[];
}

function resultOf(answer: Answer): readonly ResultEntry[] {
  return (jsonOf(answer) as { data: { result: ResultEntry[] } }).data.result;
}

function jsonOf(answer: Answer): unknown {
  return JSON.parse(answer.body.toString('utf8'));
}

function secondsOf({ fromMs, toMs }: DataRange): { start: string; end: string } {
  return { start: String(Math.floor(fromMs / 1_000)), end: String(Math.ceil(toMs / 1_000)) };
}
