import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startVarve } from '../test/support/varve.ts';
import { makeLogs } from './logs.ts';
import { hourBefore, type PayloadSet } from './payload.ts';
import { latencyOf } from './percentiles.ts';
import { grouped, latency, table } from './report.ts';
import { Client, pause, sendAll } from './send.ts';
import { rssBytesOf } from './server-process.ts';

// `npm run bench:beside-queries -- --records 600000 --queries 4 --rounds 3`: how much less is taken in while heavy
// queries run. Sends the same records in turns without and with clients that ask, each as soon as it is
// answered, for what has to read and parse every line that is stored; the medians of both are compared.
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '600000' },
    connections: { type: 'string', default: '4' },
    queries: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    'loss-max-percent': { type: 'string', default: '20' },
  },
});
const [records, connections, queries, rounds, lossMaxPercent] = [
  Number(values.records),
  Number(values.connections),
  Number(values.queries),
  Number(values.rounds),
  Number(values['loss-max-percent']),
];

/** No two are the same, so that none is answered from what another has left in memory. */
function heavyQuery(number: number): string {
  return `sum by (level) (count_over_time({service_name=~".+"} | json | status >= 200 | user != "u${number}" | __error__="" [2h]))`;
}

/** Asks until it is told to stop; how long each answer took. */
async function askUntil(client: Client, stop: AbortSignal, first: number): Promise<number[]> {
  const tookMs: number[] = [];
  for (let number = first; !stop.aborted; number += queries) {
    const askedAt = performance.now();
    const { status, body } = await client.get('/loki/api/v1/query', { query: heavyQuery(number) });
    if (status !== 200) throw new Error(`${status} ${body.toString()}`);
    tookMs.push(performance.now() - askedAt);
  }
  return tookMs;
}

async function rateOf(client: Client, set: PayloadSet<unknown>): Promise<number> {
  const { elapsedMs } = await sendAll(client, set, connections);
  return records / (elapsedMs / 1_000);
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

const dataDir = mkdtempSync(join(tmpdir(), 'varve-bench-'));
const varve = await startVarve({ dataDir, settings: { 'telemetry-log-level': 'error' } });
const sender = new Client(varve.ports.all, connections);
const reader = new Client(varve.ports.all, queries);
try {
  const set = makeLogs(records, hourBefore(Date.now()));
  // What the queries read, and what compiles the program's own code.
  await rateOf(sender, set);
  const alone: number[] = [];
  const beside: number[] = [];
  const answers: number[] = [];
  let asked = 0;
  for (let round = 0; round < rounds; round++) {
    await pause(2_000);
    alone.push(await rateOf(sender, set));
    await pause(2_000);
    const stop = new AbortController();
    const asking = Array.from({ length: queries }, (_, at) => askUntil(reader, stop.signal, asked + at));
    beside.push(await rateOf(sender, set));
    stop.abort();
    const took = (await Promise.all(asking)).flat();
    asked += took.length * queries;
    answers.push(...took);
  }
  const lossPercent = 100 * (1 - median(beside) / median(alone));
  const shown = (rates: readonly number[]): string => rates.map(grouped).join(' · ');
  process.stdout.write(
    `${table([
      ['records/s alone', 'beside queries', 'loss', 'queries answered', 'p50 · p99 ms', 'RSS MiB'],
      [
        shown(alone),
        shown(beside),
        `${lossPercent.toFixed(1)} %`,
        String(answers.length),
        latency(latencyOf(answers)),
        grouped((rssBytesOf(varve.pid) ?? 0) / 1_048_576),
      ],
    ])}\n`,
  );
  process.exitCode = lossPercent <= lossMaxPercent ? 0 : 1;
} finally {
  sender.close();
  reader.close();
  await varve.kill();
  rmSync(dataDir, { recursive: true, force: true });
}
