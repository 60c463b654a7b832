import { startVarve, temporaryFolder, type Varve } from '../support/varve.ts';
import { type Found, findRound } from './found.ts';
import { type CrashRequest, makeRequest } from './requests.ts';

/** What a round showed. */
export interface Round {
  readonly round: number;
  readonly acknowledged: number;
  /** Sent again once after the restart, as senders do. */
  readonly unanswered: number;
  /** Sentences about what is wrong; none is what is wanted. */
  readonly wrong: readonly string[];
}

interface Sent {
  readonly request: CrashRequest;
  readonly acknowledged: boolean;
}

// Small bounds, so that sealing, trimming and new journal files happen within a round.
const settings = {
  'log-journal-file-bytes': '1048576',
  'view-memtable-max-bytes': '1048576',
  'view-memtable-max-age-ms': '1000',
  'query-loki-entries-limit-max': '1000000',
  'telemetry-log-level': 'warn',
};
const senders = 6;
const signals = ['logs', 'spans', 'samples'] as const;

/**
 * Kills Varve under load, starts it again on the same data directory, and compares: every record of an
 * acknowledged request is there exactly once, of another one all are there or none; and once that one is
 * sent again, all of it is there exactly once too.
 */
export async function* crashRounds(rounds: number): AsyncGenerator<Round> {
  const dataDir = temporaryFolder();
  const acknowledgedLogs = new Map<number, number>();
  for (let round = 0; round < rounds; round++) {
    const victim = await startVarve({ dataDir, settings });
    const sent = await loadUntilKilled(victim, round);
    const survivor = await startVarve({ dataDir, settings });
    const requests = sent.map(({ request }) => request);
    const wrong: string[] = [];
    const foundFirst = await findRound(survivor.ports, round, requests);
    wrong.push(...sent.flatMap((one) => judge(one, foundFirst)));
    const again = await sendAgain(survivor, sent);
    const found = await findRound(survivor.ports, round, requests);
    wrong.push(...again.flatMap((one) => judgeAgain(one, found)));
    const earlier = Math.floor(Math.random() * round);
    const before = acknowledgedLogs.get(earlier);
    if (before !== undefined) wrong.push(...(await judgeEarlier(survivor, earlier, before)));
    const logs = sent.filter(({ request }) => request.signal === 'logs');
    acknowledgedLogs.set(
      round,
      logs.reduce((sum, { request }) => sum + (found.get(request.id) ?? 0), 0),
    );
    // Half of the restarts end in a clean stop, half in another kill.
    if (round % 2 === 0) await survivor.stop();
    else await survivor.kill();
    const acknowledged = sent.filter((one) => one.acknowledged).length;
    yield { round, acknowledged, unanswered: sent.length - acknowledged, wrong };
  }
}

async function loadUntilKilled(varve: Varve, round: number): Promise<Sent[]> {
  const sent: Sent[] = [];
  let number = 0;
  let running = true;
  const send = async (): Promise<void> => {
    while (running) {
      const signal = signals[number % signals.length] ?? 'logs';
      const records = 1 + Math.floor(Math.random() * 40);
      const request = makeRequest(signal, { round, number: number++, records });
      sent.push({ request, acknowledged: await isAcknowledged(varve.ports.otlp, request) });
    }
  };
  const load = Array.from({ length: senders }, send);
  await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 1_500));
  await varve.kill();
  running = false;
  await Promise.all(load);
  return sent;
}

/** Sends what was not answered once more. Answers all that was sent, as it stands then. */
async function sendAgain(varve: Varve, sent: readonly Sent[]): Promise<Sent[]> {
  return await Promise.all(
    sent.map(async ({ request, acknowledged }) => ({
      request,
      acknowledged: acknowledged || (await isAcknowledged(varve.ports.otlp, request)),
    })),
  );
}

async function isAcknowledged(port: number, { path, body }: CrashRequest): Promise<boolean> {
  const headers = { 'content-type': 'application/json' };
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // The connection died with the server: the sender does not know, and would send again.
    return false;
  }
}

function judge({ request: { signal, id, records }, acknowledged }: Sent, found: Found): string[] {
  const count = found.get(id) ?? 0;
  if (count === records) return [];
  if (acknowledged) return [`${signal} ${id} was acknowledged with ${records} records, ${count} are there`];
  if (count === 0) return [];
  return [
    `${signal} ${id} was not acknowledged: of its ${records} records ${count} are there, not all or none`,
  ];
}

function judgeAgain(sent: Sent, found: Found): string[] {
  const { signal, id } = sent.request;
  return sent.acknowledged
    ? judge(sent, found)
    : [`${signal} ${id} was not acknowledged when it was sent again`];
}

async function judgeEarlier(varve: Varve, round: number, expected: number): Promise<string[]> {
  const counts = await findRound(varve.ports, round, []);
  const logs = [...counts].filter(([id]) => id.startsWith(`${round}-`));
  const samples = new Set(signals.flatMap((signal, index) => (signal === 'samples' ? [index] : [])));
  const isSample = (id: string) => samples.has(Number(id.split('-')[1]) % signals.length);
  const there = logs.filter(([id]) => !isSample(id)).reduce((sum, [, count]) => sum + count, 0);
  return there === expected ? [] : [`round ${round} had ${expected} log records, later ${there} are there`];
}
