import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startVarve, type Varve } from '../test/support/varve.ts';
import type { BenchOptions } from './options.ts';
import type { Payload, PayloadSet } from './payload.ts';
import { type Latency, latencyOf } from './percentiles.ts';
import { ask, type QueryResult } from './queries.ts';
import { Client, type Sending, sendAll, sendPaced } from './send.ts';
import { folderBytes, settled, usageOf } from './server-process.ts';
import type { Signal, SignalName } from './signals.ts';

/** What was measured of one signal. CPU and memory are null where the system has no `/proc`. */
export interface SignalResult {
  readonly signal: SignalName;
  readonly records: number;
  /** Bytes of all bodies as sent. */
  readonly wireBytes: number;
  /** At full load, which most of the records are sent with. */
  readonly recordsPerSecond: number;
  readonly wireBytesPerSecond: number;
  /** Of the server's process, from before the first request until everything is sealed. */
  readonly cpuSeconds: number | null;
  readonly recordsPerCpuSecond: number | null;
  readonly peakRssBytes: number | null;
  /** Segments on disk once sealed, indexes included. */
  readonly segmentBytes: number;
  readonly segmentBytesPerRecord: number;
  readonly sentAgain: number;
  /** From a request's first byte to its answer, with all connections busy. */
  readonly ackFullLoad: Latency;
  /** The same at half the rate that was reached with all connections busy. */
  readonly ackHalfLoad: Latency;
  /** From acknowledged to found by a query. */
  readonly queryable: Latency;
  readonly queries: readonly QueryResult[];
}

const settleTimeoutMs = 180_000;

/** Measures one signal on a server of its own with an empty data directory. */
export async function measure(signal: Signal, options: BenchOptions): Promise<SignalResult> {
  const { set, queries } = signal.prepare();
  const dataDir = mkdtempSync(join(options.folder ?? tmpdir(), 'varve-bench-'));
  const varve = await startVarve({
    dataDir,
    settings: { 'view-memtable-max-age-ms': String(options.sealAgeMs), 'telemetry-log-level': 'warn' },
  });
  const client = new Client(varve.ports.all, options.connections);
  try {
    const cpuBefore = usageOf(varve.pid).cpuSeconds;
    const loads = await sendBothLoads(client, set, options.connections);
    await settled(
      () => ({ cpuSeconds: usageOf(varve.pid).cpuSeconds, bytes: folderBytes(join(dataDir, 'segments')) }),
      { minimumMs: options.sealAgeMs, timeoutMs: settleTimeoutMs },
    );
    const ingest = ingestResult(signal, { varve, set, loads, cpuBefore });
    const asked: QueryResult[] = [];
    for (const query of queries) asked.push(await ask(client, query, options.repeats));
    // Last, as markers are records too.
    const queryable: number[] = [];
    for (let repeat = 0; repeat < options.repeats; repeat++) queryable.push(await signal.marker(client));
    return { ...ingest, queryable: latencyOf(queryable), queries: asked };
  } catch (thrown) {
    throw new Error(`${signal.name}: not measured; the server wrote:\n${varve.errorOutput()}`, {
      cause: thrown,
    });
  } finally {
    client.close();
    await varve.kill();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

interface Load {
  readonly payloads: readonly Payload[];
  readonly sending: Sending;
}

/** Four fifths as fast as they are taken, the rest at half that rate. */
async function sendBothLoads(
  client: Client,
  set: PayloadSet<unknown>,
  connections: number,
): Promise<{ full: Load; half: Load }> {
  const split = Math.ceil(set.payloads.length * 0.8);
  const [most, rest] = [set.payloads.slice(0, split), set.payloads.slice(split)];
  const full = await sendAll(client, { ...set, payloads: most }, connections);
  const rate = most.length / (full.elapsedMs / 1_000);
  const half = await sendPaced(client, { ...set, payloads: rest }, rate / 2);
  return { full: { payloads: most, sending: full }, half: { payloads: rest, sending: half } };
}

interface Ingested {
  readonly varve: Varve;
  readonly set: PayloadSet<unknown>;
  readonly loads: { readonly full: Load; readonly half: Load };
  readonly cpuBefore: number | null;
}

function ingestResult(
  { name, records }: Signal,
  { varve, set, loads: { full, half }, cpuBefore }: Ingested,
): Omit<SignalResult, 'queryable' | 'queries'> {
  const { cpuSeconds: cpuAfter, peakRssBytes } = usageOf(varve.pid);
  const cpuSeconds = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
  const segmentBytes = folderBytes(join(varve.dataDir, 'segments'));
  const fullSeconds = full.sending.elapsedMs / 1_000;
  return {
    signal: name,
    records,
    wireBytes: wireBytesOf(set.payloads),
    recordsPerSecond: full.payloads.reduce((sum, payload) => sum + payload.records, 0) / fullSeconds,
    wireBytesPerSecond: wireBytesOf(full.payloads) / fullSeconds,
    cpuSeconds,
    recordsPerCpuSecond: cpuSeconds === null ? null : records / cpuSeconds,
    peakRssBytes,
    segmentBytes,
    segmentBytesPerRecord: segmentBytes / records,
    sentAgain: full.sending.sentAgain + half.sending.sentAgain,
    ackFullLoad: latencyOf(full.sending.ackMs),
    ackHalfLoad: latencyOf(half.sending.ackMs),
  };
}

function wireBytesOf(payloads: readonly Payload[]): number {
  return payloads.reduce((sum, { body }) => sum + body.length, 0);
}
