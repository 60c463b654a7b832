import { getJson, type Ports } from '../support/varve.ts';
import { type CrashRequest, traceIdOf } from './requests.ts';

/** How many records of each request of a round are there, by the request's id. */
export type Found = ReadonlyMap<string, number>;

/** Reads back everything of one round. A record that is there twice counts as two. */
export async function findRound(ports: Ports, round: number, sent: readonly CrashRequest[]): Promise<Found> {
  const found = new Map<string, number>();
  for (const [id, count] of await findLogs(ports, round)) found.set(id, count);
  for (const [id, count] of await findSamples(ports, round)) found.set(id, count);
  for (const { signal, id } of sent) if (signal === 'spans') found.set(id, await findSpans(ports, id));
  return found;
}

async function findLogs({ loki }: Ports, round: number): Promise<Map<string, number>> {
  const parameters = { query: `{service_name="crash"} | round="${round}"`, limit: '1000000', since: '30d' };
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

async function findSamples({ prometheus }: Ports, round: number): Promise<Map<string, number>> {
  const query = `count_over_time(crash{round="${round}"}[30d])`;
  const answer = (await getJson(prometheus, '/api/v1/query', { query })) as {
    data: { result: { metric: { request: string }; value: [number, string] }[] };
  };
  return new Map(answer.data.result.map(({ metric, value }) => [metric.request, Number(value[1])]));
}

async function findSpans({ tempo }: Ports, id: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${tempo}/api/traces/${traceIdOf(id)}`);
  if (response.status === 404) return 0;
  const text = await response.text();
  if (!response.ok) throw new Error(`trace of ${id}: ${response.status} ${text}`);
  return text.split('"spanId"').length - 1;
}
