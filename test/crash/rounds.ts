import { startVarve, temporaryFolder, type Varve } from '../support/varve.ts';
import { type Found, findRound, type RoundStart } from './found.ts';
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

/** A round that has been judged, and what it left. */
interface EarlierRound extends RoundStart {
  readonly found: Found;
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
  const earlierRounds: EarlierRound[] = [];
  for (let round = 0; round < rounds; round++) {
    const victim = await startVarve({ dataDir, settings });
    const start = { round, startMs: Date.now() };
    const sent = await loadUntilKilled(victim, round);
    const survivor = await startVarve({ dataDir, settings });
    const requests = sent.map(({ request }) => request);
    const wrong: string[] = [];
    const foundFirst = await findRound(survivor.ports, start, requests);
    wrong.push(...sent.flatMap((one) => judge(one, foundFirst)));
    const again = await sendAgain(survivor, sent);
    const found = await findRound(survivor.ports, start, requests);
    wrong.push(...again.flatMap((one) => judgeAgain(one, found)));
    const earlier = earlierRounds[Math.floor(Math.random() * round)];
    if (earlier !== undefined) wrong.push(...(await judgeEarlier(survivor, earlier)));
    earlierRounds.push({ ...start, found });
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

async function judgeEarlier(varve: Varve, { round, startMs, found }: EarlierRound): Promise<string[]> {
  const now = await findRound(varve.ports, { round, startMs }, []);
  const ids = new Set([...found.keys(), ...now.keys()]);
  return [...ids].flatMap((id) => {
    const then = found.get(id) ?? 0;
    const later = now.get(id) ?? 0;
    return then === later ? [] : [`${id} had ${then} records in its round, later ${later} are there`];
  });
}
