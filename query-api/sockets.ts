import websocket, { type WebSocket } from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Search } from '../search/index.ts';
import type { TenantId } from '../storage/index.ts';
import { Params } from './params.ts';

/** Codes with which a socket is closed (RFC 6455, section 7.4.1). */
export const closeCodes = { normal: 1_000, goingAway: 1_001, fault: 1_011 } as const;

/** Largest frame that a client may send: nothing is read of what they send. */
const clientFrameMaxBytes = 4_096;

/** A request that wants to become a WebSocket. */
export interface SocketCall {
  readonly tenants: readonly TenantId[];
  readonly params: Params;
  readonly headers: FastifyRequest['headers'];
  /** When the request came, in nanoseconds since 1970. */
  readonly now: bigint;
  readonly search: Search;
}

/** What serves a socket once it is open; it ends when `signal` aborts, as the socket's end makes it. */
export type Conversation = (socket: WebSocket, signal: AbortSignal) => Promise<void>;

export interface SocketRoute {
  readonly path: string;
  /** Reads the request before the upgrade: what it throws is answered in plain HTTP. */
  readonly accept: (call: SocketCall) => Conversation;
  /** What a socket is closed with when its conversation failed. */
  readonly reasonFor: (error: unknown) => string;
}

interface SocketDeps {
  readonly search: Search;
  readonly clock: () => number;
  readonly tenantsOf: (request: FastifyRequest) => readonly TenantId[];
  readonly upgradeMissing: () => Error;
}

/** Registers the routes; open sockets are closed with "going away" when the server stops. */
export async function registerSockets(
  app: FastifyInstance,
  routes: readonly SocketRoute[],
  deps: SocketDeps,
): Promise<void> {
  await app.register(websocket, {
    options: { maxPayload: clientFrameMaxBytes, perMessageDeflate: false },
    preClose(done) {
      for (const client of app.websocketServer.clients)
        client.close(closeCodes.goingAway, 'Varve is stopping');
      app.websocketServer.close(done);
    },
  });
  const accepted = new WeakMap<FastifyRequest, Conversation>();
  for (const { path, accept, reasonFor } of routes) {
    app.route({
      method: 'GET',
      url: path,
      preValidation: (request, reply, done) => {
        // A socket that asked for the upgrade is read as HTTP no more, so a refusal is its last answer.
        if (request.ws) reply.header('connection', 'close');
        const call = {
          tenants: deps.tenantsOf(request),
          params: new Params(request.url, ''),
          headers: request.headers,
          now: BigInt(deps.clock()) * 1_000_000n,
          search: deps.search,
        };
        accepted.set(request, accept(call));
        done(request.ws ? undefined : deps.upgradeMissing());
      },
      handler: () => {
        throw deps.upgradeMissing();
      },
      wsHandler: async (socket, request) => {
        const conversation = accepted.get(request);
        if (conversation === undefined) return;
        const controller = new AbortController();
        socket.on('close', () => {
          controller.abort();
        });
        // Without this a client's broken frame would end the process; 'close' follows.
        socket.on('error', () => undefined);
        try {
          await conversation(socket, controller.signal);
        } catch (error) {
          if (!controller.signal.aborted) socket.close(closeCodes.fault, shortened(reasonFor(error)));
        }
      },
    });
  }
}

/** A reason must fit into a control frame: 123 bytes. */
export function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  return bytes.length <= 123
    ? reason
    : `${bytes
        .subarray(0, 119)
        .toString('utf8')
        .replace(/\uFFFD+$/, '')}…`;
}
