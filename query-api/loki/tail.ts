import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from '@fastify/websocket';
import { type AnswerFormat, type LogRows, logql, lookup } from '../../search/index.ts';
import type { TenantId } from '../../storage/index.ts';
import { refuseAsOf } from '../as-of.ts';
import { parseBounds } from '../bounds.ts';
import { badParameter } from '../errors.ts';
import type { LokiOptions } from '../options.ts';
import { type Conversation, closeCodes, type SocketCall, type SocketRoute } from '../sockets.ts';
import { entryFormat } from './answers.ts';
import { lokiRefusal } from './errors.ts';
import { checkEntries, checkReads, withinLookback } from './limits.ts';
import { parseInteger, parseLimit, queryWithFilter, withinUint32 } from './params.ts';

const delayMaxSeconds = 5n;
const pingEveryMs = 10_000;
/** What may wait for a client; more lines are read from the store only when it has taken these. */
const bufferedMaxBytes = 4 * 1_024 * 1_024;
/** A client that does not take what waits for this long is told only the newest lines. */
const slowMaxMs = 10_000;
const slowPollMs = 50;

/** What a tail was asked for. */
interface TailRequest {
  readonly input: LogRows;
  readonly limit: number;
  readonly delayMs: number;
  readonly format: AnswerFormat;
}

/** Live tails: newly stored lines over a WebSocket, each once, in the order in which they are stored. */
export class Tails {
  readonly routes: readonly SocketRoute[];
  readonly #options: LokiOptions;
  readonly #open = new Map<TenantId, number>();

  constructor(options: LokiOptions) {
    this.#options = options;
    this.routes = ['/loki/api/v1/tail', '/api/prom/tail'].map((path) => ({
      path,
      accept: (call) => this.#accept(call),
      reasonFor: (error) => lokiRefusal(error).body.toString(),
    }));
  }

  #accept(call: SocketCall): Conversation {
    const [tenant, ...others] = call.tenants;
    if (tenant === undefined || others.length > 0)
      throw badParameter('multiple org IDs present; tail one tenant at a time');
    const request = parseTail(call, this.#options);
    return async (socket, signal) => {
      const count = (this.#open.get(tenant) ?? 0) + 1;
      this.#open.set(tenant, count);
      try {
        await this.#talk(socket, signal, { call, request, count });
      } finally {
        const left = (this.#open.get(tenant) ?? 1) - 1;
        if (left === 0) this.#open.delete(tenant);
        else this.#open.set(tenant, left);
      }
    };
  }

  async #talk(
    socket: WebSocket,
    signal: AbortSignal,
    { call, request, count }: { call: SocketCall; request: TailRequest; count: number },
  ): Promise<void> {
    const { tailsPerTenantMax: max, tailDurationMaxMs, tailPollMs } = this.#options;
    if (count > max) {
      const reason = `max concurrent tail requests limit exceeded, count > limit (${count} > ${max})`;
      socket.close(closeCodes.fault, reason);
      return;
    }
    const stopPings = pinging(socket);
    const expiry = setTimeout(() => {
      socket.close(closeCodes.fault, 'reached tail max duration limit');
    }, tailDurationMaxMs);
    try {
      await follow(socket, signal, { call, request, pollMs: Math.max(tailPollMs, request.delayMs) });
    } catch (error) {
      // The socket's end interrupts whatever waits.
      if (!signal.aborted) throw error;
    } finally {
      clearTimeout(expiry);
      stopPings();
    }
  }
}

function parseTail(call: SocketCall, options: LokiOptions): TailRequest {
  const { params, headers, now } = call;
  refuseAsOf(params, headers, 'a tail tells what is stored from now on');
  const { from } = withinLookback(parseBounds(params, now), now, options.lookbackMaxMs);
  const limit = parseLimit(params, options.entriesLimitDefault);
  checkEntries(limit, options.entriesLimitMax);
  const delayMs = parseDelay(params.get('delay_for'));
  const text = queryWithFilter(params);
  checkReads(text, options);
  const input = logql.rows(text, { from, to: now });
  return { input, limit, delayMs, format: entryFormat({ headers }) };
}

function parseDelay(text: string): number {
  if (text === '') return 0;
  const seconds = withinUint32(parseInteger(text), 'delay_for');
  if (seconds > delayMaxSeconds) throw badParameter(`delay_for can't be greater than ${delayMaxSeconds}`);
  return Number(seconds) * 1_000;
}

/**
 * Sends what is stored until the socket closes. What a client has not taken yet stays in the store, not
 * in memory: nothing is read while much waits for it.
 */
async function follow(
  socket: WebSocket,
  signal: AbortSignal,
  { call, request, pollMs }: { call: SocketCall; request: TailRequest; pollMs: number },
): Promise<void> {
  const { input, limit, format } = request;
  const { search, tenants } = call;
  let position: string | null = null;
  while (!signal.aborted) {
    const isLate = await drained(socket, signal);
    const plan = lookup.logTail(input, position, position === null || isLate ? limit : 0);
    const answer = await search.run({ tenants, plan, answer: format, signal });
    position = answer.position ?? position;
    if (!answer.empty) socket.send(answer.body, { binary: false });
    await sleep(pollMs, undefined, { signal });
  }
}

/** Waits until the client has taken most of what was sent; whether that took too long. */
async function drained(socket: WebSocket, signal: AbortSignal): Promise<boolean> {
  const since = performance.now();
  while (socket.bufferedAmount > bufferedMaxBytes) await sleep(slowPollMs, undefined, { signal });
  return performance.now() - since > slowMaxMs;
}

/** Pings the client, and gives it up when it does not answer; the function stops that. */
function pinging(socket: WebSocket): () => void {
  let isAlive = true;
  socket.on('pong', () => {
    isAlive = true;
  });
  const timer = setInterval(() => {
    if (!isAlive) {
      socket.terminate();
      return;
    }
    isAlive = false;
    socket.ping();
  }, pingEveryMs);
  return () => {
    clearInterval(timer);
  };
}
