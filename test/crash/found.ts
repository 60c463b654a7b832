import { getJson, type Ports } from '../support/varve.ts';
import { type CrashRequest, traceIdOf } from './requests.ts';

/** How many records of each request of a round are there, by the request's id. */
export type Found = ReadonlyMap<string, number>;

/** A round and when its first request was made. */
export interface RoundStart {
  readonly round: number;
  readonly startMs: number;
}

// Samples of a request stand a second apart, back from when it was made; no request has more of them.
const backMs = 60_000;

/**
 * Reads back everything of one round. A record that is there twice counts as two. Only the round's own time
 * is read: the thousandth round would otherwise go through all before it.
 */
export async function findRound(
  ports: Ports,
  { round, startMs }: RoundStart,
  sent: readonly CrashRequest[],
): Promise<Found> {
  const found = new Map<string, number>();
  const fromMs = startMs - backMs;
  for (const [id, count] of await findLogs(ports, round, fromMs)) found.set(id, count);
  for (const [id, count] of await findSamples(ports, round, fromMs)) found.set(id, count);
  for (const [id, count] of await findSpans(ports, round, fromMs)) found.set(id, count);
  // Trace by id finds its segments by other files than a scan (Bloom filters), so some are read that way.
  const traces = sent.filter(({ signal }, index) => signal === 'spans' && index % 16 === 0);
  for (const { id } of traces) found.set(id, await countTrace(ports, id));
  return found;
}

async function findLogs({ loki }: Ports, round: number, fromMs: number): Promise<Map<string, number>> {
  const query = `{service_name="crash"} | round="${round}"`;
  const parameters = { query, limit: '1000000', start: `${fromMs}000000`, end: `${Date.now()}000000` };
  const answer = (await getJson(loki, '/loki/api/v1/query_range', parameters)) as {
    data: { result: { values: [string, string][] }[] };
  };
  const counts = new Map<string, number>();
  for (const { values } of answer.data.result)
    for (const [, line] of values) {
      const id = line.split(' ', 1)[0] ?? '';
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  return counts;
}

async function findSamples(
  { prometheus }: Ports,
  round: number,
  fromMs: number,
): Promise<Map<string, number>> {
  const query = `count_over_time(crash{round="${round}"}[${Date.now() - fromMs}ms])`;
  const answer = (await getJson(prometheus, '/api/v1/query', { query })) as {
    data: { result: { metric: { request: string }; value: [number, string] }[] };
  };
  return new Map(answer.data.result.map(({ metric, value }) => [metric.request, Number(value[1])]));
}

async function findSpans({ all }: Ports, round: number, fromMs: number): Promise<Map<string, number>> {
  const statement = `SELECT name, count(*) FROM spans
    WHERE name LIKE '${round}-%' AND time >= '${new Date(fromMs).toISOString()}' GROUP BY name`;
  const response = await fetch(`http://127.0.0.1:${all}/api/sql`, { method: 'POST', body: statement });
  const text = await response.text();
  if (!response.ok) throw new Error(`${statement}: ${response.status} ${text}`);
  const { rows, warnings } = JSON.parse(text) as { rows: [string, number][]; warnings: string[] };
  if (warnings.length > 0) throw new Error(`${statement}: ${warnings.join('; ')}`);
  return new Map(rows);
}

async function countTrace({ tempo }: Ports, id: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${tempo}/api/traces/${traceIdOf(id)}`);
  if (response.status === 404) return 0;
  const text = await response.text();
  if (!response.ok) throw new Error(`trace of ${id}: ${response.status} ${text}`);
  return text.split('"spanId"').length - 1;
}
