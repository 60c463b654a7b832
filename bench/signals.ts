import { randomBytes } from 'node:crypto';
import { logMarker, makeLogs } from './logs.ts';
import type { BenchOptions } from './options.ts';
import { hourBefore, type PayloadSet } from './payload.ts';
import { logQueries, type Query, sampleQueries, spanQueries } from './queries.ts';
import { makeSamples, sampleMarker } from './samples.ts';
import { type Answer, type Client, pause } from './send.ts';
import { makeSpans, spanMarker } from './spans.ts';

export type SignalName = 'logs' | 'spans' | 'samples';

/** What is sent and asked of one signal. */
export interface Signal {
  readonly name: SignalName;
  readonly records: number;
  /** Encodes the whole set: seconds of work, so only when it is this signal's turn. */
  prepare(): { readonly set: PayloadSet<unknown>; readonly queries: readonly Query[] };
  /** Sends one record and waits until it is found; from acknowledged to found, in milliseconds. */
  marker(client: Client): Promise<number>;
}

export function signalsOf({ logs, spans, samples, series }: BenchOptions): Signal[] {
  const all: Signal[] = [
    {
      name: 'logs',
      records: logs,
      prepare: () => {
        const set = makeLogs(logs, hourBefore(Date.now()));
        return { set, queries: logQueries(set.facts) };
      },
      marker: markLogs,
    },
    {
      name: 'spans',
      records: spans,
      prepare: () => {
        const set = makeSpans(spans, hourBefore(Date.now()));
        return { set, queries: spanQueries(set.facts) };
      },
      marker: markSpans,
    },
    {
      name: 'samples',
      records: Math.max(1, Math.floor(samples / series)) * series,
      prepare: () => {
        const set = makeSamples(samples, series, hourBefore(Date.now()));
        return { set, queries: sampleQueries(set.facts) };
      },
      marker: markSamples,
    },
  ];
  const wanted = { logs, spans, samples };
  return all.filter(({ name }) => wanted[name] > 0);
}

const otlp = { 'content-type': 'application/x-protobuf' };

async function markLogs(client: Client): Promise<number> {
  const text = `marker ${randomBytes(8).toString('hex')}`;
  await acknowledged(client.post('/v1/logs', otlp, logMarker(text, Date.now())));
  const query = `{service_name="marker"} |= "${text}"`;
  return await untilFound(
    () => client.get('/loki/api/v1/query_range', { query, since: '1m' }),
    (answer) => answer.body.includes(text),
  );
}

async function markSpans(client: Client): Promise<number> {
  const traceId = randomBytes(16);
  await acknowledged(client.post('/v1/traces', otlp, spanMarker(traceId, Date.now())));
  return await untilFound(
    () => client.get(`/api/traces/${traceId.toString('hex')}`, {}),
    (answer) => answer.status === 200 && answer.body.includes('"marker"'),
  );
}

async function markSamples(client: Client): Promise<number> {
  const name = `marker_${randomBytes(8).toString('hex')}`;
  const headers = { ...otlp, 'content-encoding': 'snappy' };
  await acknowledged(client.post('/api/v1/write', headers, sampleMarker(name, Date.now() - 1_000)));
  return await untilFound(
    () => client.get('/api/v1/query', { query: name }),
    (answer) => answer.body.includes(`"${name}"`),
  );
}

async function acknowledged(sending: Promise<Answer>): Promise<void> {
  const { status, body } = await sending;
  if (status >= 300) throw new Error(`marker refused: ${status} ${body.toString('utf8')}`);
}

const findTimeMaxMs = 10_000;

async function untilFound(read: () => Promise<Answer>, holds: (answer: Answer) => boolean): Promise<number> {
  const acknowledgedAt = performance.now();
  for (;;) {
    const answer = await read();
    const elapsedMs = performance.now() - acknowledgedAt;
    if (holds(answer)) return elapsedMs;
    if (elapsedMs > findTimeMaxMs)
      throw new Error(`marker not found: ${answer.status} ${answer.body.toString('utf8', 0, 300)}`);
    await pause(1);
  }
}
