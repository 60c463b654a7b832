import { getJson, type Varve } from './varve.ts';

/** A line as the Loki API gives it back. */
export interface FoundLine {
  readonly line: string;
  readonly timeNs: string;
  /** Labels of its stream, structured metadata and `detected_level` among them. */
  readonly labels: Readonly<Record<string, string>>;
}

interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly stream: Record<string, string>;
      readonly values: readonly (readonly [string, string])[];
    }[];
  };
}

/** Lines of the last day that a query selects, the oldest first. */
export async function linesOf({ ports }: Varve, query: string): Promise<FoundLine[]> {
  const parameters = { query, since: '24h', limit: '5000', direction: 'forward' };
  const answer = (await getJson(ports.loki, '/loki/api/v1/query_range', parameters)) as Answer;
  const found = answer.data.result.flatMap(({ stream, values }) =>
    values.map(([timeNs, line]) => ({ line, timeNs, labels: stream })),
  );
  return found.sort((a, b) => (BigInt(a.timeNs) < BigInt(b.timeNs) ? -1 : 1));
}

/** The lines, once there are as many as wanted; fails after ten seconds with those there are. */
export async function awaitLines(varve: Varve, query: string, wanted: number): Promise<FoundLine[]> {
  const givenUpAt = Date.now() + 10_000;
  for (;;) {
    const found = await linesOf(varve, query);
    if (found.length >= wanted) return found;
    if (Date.now() > givenUpAt)
      throw new Error(`${query}: ${found.length} lines of ${wanted}: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
