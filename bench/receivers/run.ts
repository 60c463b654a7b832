import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startVarve } from '../../test/support/varve.ts';
import { metricOf } from '../metrics.ts';
import { latencyOf } from '../percentiles.ts';
import { grouped, latency, table } from '../report.ts';
import { pause } from '../send.ts';
import { usageOf } from '../server-process.ts';
import { type Load, loads } from './loads.ts';

// `npm run bench:receivers -- --records 300000 --connections 4 --only syslog`: what each receiver takes, on a
// server of its own, until the last record is acknowledged; sealing comes later and is not in it.
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '300000' },
    connections: { type: 'string', default: '4' },
    only: { type: 'string', default: '' },
  },
});
const [records, connections] = [Number(values.records), Number(values.connections)];
const only = values.only.toLowerCase();

const restMs = 5_000;

const rows: string[][] = [];
for (const load of loads.filter(({ name }) => name.toLowerCase().includes(only))) {
  process.stderr.write(`${load.name}\n`);
  rows.push(await measured(load));
}
const head = [
  'receiver',
  'records',
  'records/s',
  'per CPU second',
  'MB/s',
  'peak RSS MiB',
  'ack p50 · p99 ms',
];
process.stdout.write(`${table([[...head, 'lost'], ...rows])}\n`);

/** The row of one receiver. */
async function measured(load: Load): Promise<string[]> {
  const prepared = load.prepare(records, connections);
  const dataDir = mkdtempSync(join(tmpdir(), 'varve-bench-'));
  const varve = await startVarve({ dataDir, settings: { 'telemetry-log-level': 'warn' } });
  const accepted = async () =>
    await metricOf(
      varve,
      new RegExp(`^varve_ingest_accepted_records_total\\{[^}]*receiver="${load.receiver}"`),
    );
  try {
    const before = usageOf(varve.pid);
    const startedAt = performance.now();
    const ackMs = await prepared.send(varve);
    let [stored, storedAt] = [await accepted(), performance.now()];
    // Senders of syslog are not answered: all is stored, or nothing more comes.
    while (stored < prepared.records && performance.now() - storedAt < restMs) {
      await pause(50);
      const now = await accepted();
      if (now > stored) [stored, storedAt] = [now, performance.now()];
    }
    const seconds = (storedAt - startedAt) / 1_000;
    const after = usageOf(varve.pid);
    const cpuSeconds = (after.cpuSeconds ?? NaN) - (before.cpuSeconds ?? NaN);
    return [
      load.name,
      grouped(stored),
      grouped(stored / seconds),
      grouped(stored / cpuSeconds),
      (prepared.wireBytes / seconds / 1e6).toFixed(1),
      grouped((after.peakRssBytes ?? NaN) / 2 ** 20),
      ackMs.length === 0 ? 'not answered' : latency(latencyOf(ackMs)),
      grouped(prepared.records - stored),
    ];
  } finally {
    await varve.kill();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
