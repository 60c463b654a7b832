import { Agent, request } from 'node:http';
import type { Payload, PayloadSet } from './payload.ts';

/** What came back for one request. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly retryAfterSeconds: number;
}

/** How a whole set was taken. */
export interface Sending {
  /** From the first byte sent to the last acknowledgement. */
  readonly elapsedMs: number;
  /** Of the request that was acknowledged, from its first byte to its answer. */
  readonly ackMs: readonly number[];
  /** Requests that were answered 429 or 503 and sent again after the time they were told. */
  readonly sentAgain: number;
}

/** A client of one port that keeps its connections. */
export class Client {
  readonly #port: number;
  readonly #agent: Agent;

  constructor(port: number, connections: number) {
    this.#port = port;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  close(): void {
    this.#agent.destroy();
  }

  async post(path: string, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<Answer> {
    return await this.#send('POST', path, { ...headers, 'content-length': String(body.length) }, body);
  }

  async get(
    path: string,
    parameters: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const search = new URLSearchParams(parameters).toString();
    return await this.#send('GET', search === '' ? path : `${path}?${search}`, headers, undefined);
  }

  #send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | undefined,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const target = { host: '127.0.0.1', port: this.#port, agent: this.#agent, method, path, headers };
      const sent = request(target, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks),
            retryAfterSeconds: Number(response.headers['retry-after'] ?? 1),
          });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

/**
 * Sends every payload once over `connections` connections, each the next as soon as its last is answered.
 *
 * @throws Error for an answer that is neither a success nor "later"
 */
export async function sendAll(
  client: Client,
  { path, headers, payloads }: PayloadSet<unknown>,
  connections: number,
): Promise<Sending> {
  const ackMs: number[] = [];
  let sentAgain = 0;
  let next = 0;
  const takeTurns = async (): Promise<void> => {
    for (let payload = payloads[next++]; payload !== undefined; payload = payloads[next++]) {
      const { ms, tries } = await sendOne(client, path, headers, payload);
      ackMs.push(ms);
      sentAgain += tries - 1;
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, takeTurns));
  return { elapsedMs: performance.now() - startedAt, ackMs, sentAgain };
}

/**
 * Sends every payload once, one each `1 / requestsPerSecond`, whether or not the one before is answered. Times
 * start when a request is due, so that one that had to wait for a connection is not taken for a fast one.
 *
 * @throws Error for an answer that is neither a success nor "later"
 */
export async function sendPaced(
  client: Client,
  { path, headers, payloads }: PayloadSet<unknown>,
  requestsPerSecond: number,
): Promise<Sending> {
  const startedAt = performance.now();
  const sent = await Promise.all(
    payloads.map(async (payload, index) => {
      const dueMs = (index * 1_000) / requestsPerSecond;
      await pause(Math.max(0, dueMs - (performance.now() - startedAt)));
      const { tries } = await sendOne(client, path, headers, payload);
      return { ms: performance.now() - startedAt - dueMs, tries };
    }),
  );
  return {
    elapsedMs: performance.now() - startedAt,
    ackMs: sent.map(({ ms }) => ms),
    sentAgain: sent.reduce((sum, { tries }) => sum + tries - 1, 0),
  };
}

async function sendOne(
  client: Client,
  path: string,
  headers: Readonly<Record<string, string>>,
  { body }: Payload,
): Promise<{ ms: number; tries: number }> {
  for (let tries = 1; ; tries++) {
    const sentAt = performance.now();
    const answer = await client.post(path, headers, body);
    const ms = performance.now() - sentAt;
    if (answer.status === 429 || answer.status === 503) {
      await pause(answer.retryAfterSeconds * 1_000);
      continue;
    }
    // A partial success has more of a body: nothing of a bench may be refused.
    if (answer.status >= 300 || !['', '{}'].includes(answer.body.toString('utf8', 0, 3)))
      throw new Error(`${path}: ${answer.status} ${answer.body.toString('utf8')}`);
    return { ms, tries };
  }
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
