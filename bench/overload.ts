import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startVarve, type Varve } from '../test/support/varve.ts';
import { type Body, bodyTemplates } from './overload-bodies.ts';
import { latencyOf } from './percentiles.ts';
import { grouped, latency, table } from './report.ts';
import { Client, pause } from './send.ts';
import { rssBytesOf } from './server-process.ts';

// `npm run bench:overload -- --minutes 5 --times 3`: measures what is taken, then sends three times as much
// whether or not it is answered, as two tenants. Memory must stay, refusals must be 429 or 503, and every
// record that was acknowledged must be counted by a query afterwards.
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    times: { type: 'string', default: '3' },
    connections: { type: 'string', default: '256' },
  },
});
const [minutes, times, connections] = [
  Number(values.minutes),
  Number(values.times),
  Number(values.connections),
];

const tenants = ['north', 'south'] as const;
const capacityConnections = 8;
const capacityMs = 10_000;
/** So small that two tenants meet their own bound (429) and together the whole one (503). */
const settings = {
  'limits-in-flight-max-bytes': String(32 << 20),
  'ingest-in-flight-max-bytes': String(48 << 20),
  'telemetry-log-level': 'error',
};
/** By how much the last fifth's resident memory may be above the second's; the first fills memtables. */
const rssGrowthMax = 1.15;

interface Tally {
  /** Records by what became of their request. */
  acknowledged: number;
  unknown: number;
  readonly refused: Map<number, number>;
  requests: number;
  /** Requests that were due while all connections were busy. */
  unsent: number;
  readonly ackMs: number[];
}

const newTally = (): Tally => ({
  acknowledged: 0,
  unknown: 0,
  refused: new Map(),
  requests: 0,
  unsent: 0,
  ackMs: [],
});

async function sendOne(client: Client, { bytes, records }: Body, tally: Tally): Promise<void> {
  const tenant = tenants[tally.requests++ % tenants.length] ?? tenants[0];
  const headers = { 'content-type': 'application/x-protobuf', 'x-scope-orgid': tenant };
  const sentAt = performance.now();
  try {
    const { status } = await client.post('/v1/logs', headers, bytes);
    if (status === 200) {
      tally.acknowledged += records;
      tally.ackMs.push(performance.now() - sentAt);
    } else tally.refused.set(status, (tally.refused.get(status) ?? 0) + 1);
  } catch {
    // The connection broke: whether it was stored nobody told.
    tally.unknown += records;
  }
}

/** Records a second that are taken when each connection waits for its answers. */
async function capacityOf(client: Client, nextBody: () => Body): Promise<[number, Tally]> {
  const tally = newTally();
  const endsAt = performance.now() + capacityMs;
  const takeTurns = async (): Promise<void> => {
    while (performance.now() < endsAt) await sendOne(client, nextBody(), tally);
  };
  await Promise.all(Array.from({ length: capacityConnections }, takeTurns));
  return [tally.acknowledged / (capacityMs / 1_000), tally];
}

/** Sends at a rate, however it is answered; resolves once everything is. */
async function overload(
  client: Client,
  nextBody: () => Body,
  requestsPerSecond: number,
  durationMs: number,
): Promise<Tally> {
  const tally = newTally();
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();
  for (let due = 0; due < (durationMs / 1_000) * requestsPerSecond; due++) {
    const earlyMs = (due * 1_000) / requestsPerSecond - (performance.now() - startedAt);
    // Each turn lets answers come in, late or not.
    if (earlyMs > 1 || due % 8 === 0) await pause(Math.max(0, earlyMs));
    if (underWay.size >= connections) {
      tally.unsent += 1;
      continue;
    }
    const sending = sendOne(client, nextBody(), tally).finally(() => underWay.delete(sending));
    underWay.add(sending);
  }
  await Promise.all(underWay);
  return tally;
}

/** Records that a query counts from `fromMs` on, of both tenants. */
async function found({ ports }: Varve, fromMs: number): Promise<number> {
  // Of its own: connections of the other may have been closed by now.
  const client = new Client(ports.all, 1);
  let count = 0;
  const windowMs = 10_000;
  for (const tenant of tenants) {
    for (let endMs = fromMs + windowMs; endMs < Date.now() + windowMs; endMs += windowMs) {
      const query = `sum(count_over_time({service_namespace="shop"}[${windowMs}ms]))`;
      const parameters = { query, time: `${endMs}000000` };
      const { status, body } = await client.get('/loki/api/v1/query', parameters, {
        'x-scope-orgid': tenant,
      });
      if (status !== 200) throw new Error(`count: ${status} ${body.toString('utf8')}`);
      const answer = JSON.parse(body.toString('utf8')) as { data: { result: { value: [number, string] }[] } };
      count += Number(answer.data.result[0]?.value[1] ?? 0);
    }
  }
  client.close();
  return count;
}

/** Reads the resident memory each half second until it is stopped. */
function watchRss({ pid }: Varve): () => number[] {
  const seen: number[] = [];
  const timer = setInterval(() => {
    seen.push(rssBytesOf(pid) ?? NaN);
  }, 500);
  return () => {
    clearInterval(timer);
    return seen;
  };
}

/** The greatest of each fifth, in MiB. */
function peaksOf(rssBytes: readonly number[]): number[] {
  return [0, 1, 2, 3, 4].map((fifth) => {
    const slice = rssBytes.slice((fifth * rssBytes.length) / 5, ((fifth + 1) * rssBytes.length) / 5);
    return Math.round(Math.max(...slice) / 2 ** 20);
  });
}

const dataDir = mkdtempSync(join(tmpdir(), 'varve-bench-'));
const varve = await startVarve({ dataDir, settings });
const client = new Client(varve.ports.all, connections);
try {
  const fromMs = Date.now();
  const nextBody = bodyTemplates();
  const [capacity, before] = await capacityOf(client, nextBody);
  process.stderr.write(`takes ${grouped(capacity)} records/s; now ${times} times as much\n`);
  const perRequest = nextBody().records;
  const stopWatching = watchRss(varve);
  const startedAt = performance.now();
  const during = await overload(client, nextBody, (capacity * times) / perRequest, minutes * 60_000);
  const seconds = (performance.now() - startedAt) / 1_000;
  const peaks = peaksOf(stopWatching());
  const acknowledged = before.acknowledged + during.acknowledged;
  const unknown = before.unknown + during.unknown;
  const counted = await found(varve, fromMs);
  const refused = [...during.refused].map(([status, requests]) => `${grouped(requests)} × ${status}`);
  const rows = [
    ['capacity, records/s', grouped(capacity)],
    ['sent, records/s', grouped((during.requests * perRequest) / seconds)],
    ['taken, records/s', grouped(during.acknowledged / seconds)],
    ['requests not sent: no connection free', grouped(during.unsent)],
    ['requests refused', refused.join(', ')],
    ['ack p50 · p99 ms', latency(latencyOf(during.ackMs))],
    ['peak RSS of each fifth, MiB', peaks.join(' ')],
    ['acknowledged, records', grouped(acknowledged)],
    ['neither acknowledged nor refused', grouped(unknown)],
    ['found, records', grouped(counted)],
  ];
  process.stdout.write(`${table([['overload', `${times} × for ${minutes} min`], ...rows])}\n`);
  const isFlat = (peaks[4] ?? NaN) <= (peaks[1] ?? NaN) * rssGrowthMax;
  const isWhole = counted >= acknowledged && counted <= acknowledged + unknown;
  const areRefused = [...during.refused.keys()].every((status) => status === 429 || status === 503);
  const problems = [
    isFlat ? '' : 'memory grew',
    isWhole ? '' : 'acknowledged and found differ',
    areRefused && during.refused.size > 0 ? '' : 'refusals are not 429 and 503',
  ].filter((problem) => problem !== '');
  if (problems.length > 0) process.stderr.write(`${problems.join('; ')}\n${varve.errorOutput()}`);
  process.exitCode = problems.length > 0 ? 1 : 0;
} finally {
  client.close();
  await varve.kill();
  rmSync(dataDir, { recursive: true, force: true });
}
