import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVarve, type Varve } from '../support/varve.ts';
import { constant, entries, logQuery, metricQuery } from './logql/generate.ts';
import { type Entry, pipelineError, pointsOf, rowsOf } from './logql/model.ts';
import { showLog, showMetric } from './logql/syntax.ts';

// The seeds are fixed, so that a change that passes passes everywhere; another seed is worth a try by hand.
const seed = 20_261_127;
const runs = 400;

let varve: Varve;
let sent: readonly Entry[];
/** When the first entry was, in whole steps since 1970. */
let zeroSeconds: number;

const stepSeconds = 10;

beforeAll(async () => {
  varve = await startVarve({ settings: { 'view-memtable-max-age-ms': '1000' } });
  sent = fc
    .sample(entries, { seed, numRuns: 5 })
    .flat()
    .map((entry, at) => ({ ...entry, timeSeconds: at }));
  zeroSeconds = (Math.floor(Date.now() / 1_000 / stepSeconds) - 60) * stepSeconds;
  // Two thirds in a segment, the rest in memory.
  const split = 200;
  await push(sent.slice(0, split));
  await sealed();
  await push(sent.slice(split));
});

afterAll(async () => {
  await varve.kill();
});

async function push(some: readonly Entry[]): Promise<void> {
  const streams = some.map(({ stream, metadata, line, timeSeconds }) => ({
    stream,
    values: [[`${zeroSeconds + timeSeconds}000000000`, line, metadata]],
  }));
  const response = await fetch(`http://127.0.0.1:${varve.ports.loki}/loki/api/v1/push`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ streams }),
  });
  expect(response.status, await response.text()).toBe(204);
}

async function sealed(): Promise<void> {
  const givenUpAt = Date.now() + 30_000;
  for (;;) {
    const { body } = await ask({ query: `{service_name="${constant.service_name}"}`, limit: '1' });
    if ((body as LokiAnswer).data.stats.ingester.store.chunk.headChunkLines === 0) return;
    if (Date.now() > givenUpAt) throw new Error('the first entries are still in memory');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

interface LokiAnswer {
  readonly data: {
    readonly resultType: string;
    readonly result: readonly {
      readonly stream?: Record<string, string>;
      readonly metric?: Record<string, string>;
      readonly values: readonly (readonly [string | number, string])[];
    }[];
    readonly stats: {
      readonly ingester: { readonly store: { readonly chunk: { readonly headChunkLines: number } } };
    };
  };
}

async function ask(parameters: Readonly<Record<string, string>>): Promise<{ status: number; body: unknown }> {
  const range = { start: String(zeroSeconds), end: String(zeroSeconds + 400), step: String(stepSeconds) };
  const query = new URLSearchParams({ ...range, ...parameters });
  const response = await fetch(
    `http://127.0.0.1:${varve.ports.loki}/loki/api/v1/query_range?${query.toString()}`,
  );
  const text = await response.text();
  return { status: response.status, body: response.ok ? JSON.parse(text) : text };
}

type Labels = Readonly<Record<string, string>>;

/** Labels as text; those that are empty are not there, and what an error says is worded as it is. */
function shownLabels(labels: Labels): string {
  const shown = Object.entries(labels).filter(
    ([name, value]) => value !== '' && name !== '__error_details__',
  );
  return JSON.stringify(shown.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

async function answeredRows(query: string, parameters: Readonly<Record<string, string>>): Promise<string[]> {
  const { status, body } = await ask({ query, ...parameters });
  expect([status, typeof body], String(body)).toEqual([200, 'object']);
  const rows = (body as LokiAnswer).data.result.flatMap(({ stream = {}, values }) =>
    values.map(([time, line]) => ({ time: Number(String(time).slice(0, -9)) - zeroSeconds, line, stream })),
  );
  return rows
    .toSorted((a, b) => a.time - b.time)
    .map(({ time, line, stream }) => `${time} ${line} ${shownLabels(stream)}`);
}

describe('a generated LogQL query', () => {
  it('finds the lines that the model finds', async () => {
    await fc.assert(
      fc.asyncProperty(logQuery, async (query) => {
        const wanted = rowsOf(sent, query).map(
          ({ timeSeconds, line, labels }) => `${timeSeconds} ${line} ${shownLabels(labels)}`,
        );
        expect(await answeredRows(showLog(query), { limit: '5000' }), showLog(query)).toEqual(wanted);
      }),
      { seed, numRuns: runs },
    );
  });

  it('finds the first and the last lines of them where it has a limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        logQuery,
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        async (query, limit, isForward) => {
          const all = rowsOf(sent, query).map(
            ({ timeSeconds, line, labels }) => `${timeSeconds} ${line} ${shownLabels(labels)}`,
          );
          const wanted = isForward ? all.slice(0, limit) : all.slice(-limit);
          const parameters = { limit: String(limit), direction: isForward ? 'forward' : 'backward' };
          expect(await answeredRows(showLog(query), parameters), showLog(query)).toEqual(wanted);
        },
      ),
      { seed, numRuns: runs },
    );
  });

  it('counts what the model counts, or is refused where the model meets an error', async () => {
    const steps = Array.from({ length: 41 }, (_, step) => step * stepSeconds);
    await fc.assert(
      fc.asyncProperty(metricQuery, async (metric) => {
        const query = showMetric(metric);
        const wanted = pointsOf(sent, metric, steps);
        const { status, body } = await ask({ query });
        if (wanted === pipelineError) {
          expect([status, String(body)], query).toEqual([
            400,
            expect.stringMatching(/^pipeline error: '\w+' for series/),
          ]);
          return;
        }
        expect(status, `${query}: ${String(body)}`).toBe(200);
        expect(shownPoints(answeredPoints(body as LokiAnswer)), query).toEqual(shownPoints(wanted));
      }),
      { seed, numRuns: runs },
    );
  });
});

interface AnsweredPoint {
  readonly labels: Labels;
  readonly timeSeconds: number;
  readonly value: number;
}

function answeredPoints({ data }: LokiAnswer): AnsweredPoint[] {
  return data.result.flatMap(({ metric = {}, values }) =>
    values.map(([time, value]) => ({
      labels: metric,
      timeSeconds: Number(time) - zeroSeconds,
      value: Number(value),
    })),
  );
}

/** Nine digits: sums may be made in another order. */
function shownPoints(points: readonly AnsweredPoint[]): string[] {
  const shown = points.map(
    ({ labels, timeSeconds, value }) =>
      `${timeSeconds} ${shownLabels(labels)} ${Number(value.toPrecision(9))}`,
  );
  return shown.toSorted();
}
