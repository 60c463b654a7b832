import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import { isGrpc, refuseUnknownMethod } from '../ingest/index.ts';
import { BrokenRequests } from './broken-requests.ts';
import { type ConnectionLimits, createSharedServer, type SharedServer } from './connections.ts';
import type { Certificates } from './tls.ts';

/** One port and what is served on it. */
export interface ListenerPlan {
  /** As people know it: `Loki API and push`. */
  readonly name: string;
  /** The setting that moves it. */
  readonly setting: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly plugins: readonly FastifyPluginAsync[];
  readonly limits: ConnectionLimits;
  /** undefined: cleartext. */
  readonly certificates: Certificates | undefined;
  /** Told of handshakes that failed, with the reason. */
  readonly handshakeFailed: (error: Error) => void;
}

/** A port that takes requests. */
export interface Listener {
  readonly name: string;
  readonly port: number;
  /** Takes no more requests and waits for those under way, at most `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
}

/**
 * Opens one server: HTTP/1.1, HTTP/2 and with it gRPC.
 *
 * @throws Error naming the port and its setting when the port cannot be had
 */
export async function openListener(plan: ListenerPlan): Promise<Listener> {
  const { app, server } = create(plan);
  app.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).type('text/plain').send('404 page not found\n'),
  );
  // Before the handler above: its words, and those for a content type, mean nothing to gRPC's clients.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404 && isGrpc(request)) refuseUnknownMethod(request, reply);
    else done();
  });
  for (const plugin of plan.plugins) await app.register(plugin);
  try {
    await app.listen({ host: plan.host, port: plan.port });
  } catch (thrown) {
    throw cannotListen(plan, thrown);
  }
  return {
    name: plan.name,
    port: (app.server.address() as AddressInfo).port,
    drain: async (timeoutMs) => {
      await drain(app, server, timeoutMs);
    },
  };
}

function create({ limits, certificates, handshakeFailed }: ListenerPlan): {
  app: FastifyInstance;
  server: SharedServer;
} {
  let server: SharedServer | undefined;
  const broken = new BrokenRequests(limits.requestTimeoutMs);
  const app = fastify({
    serverFactory: (handler) => {
      server = createSharedServer(handler, limits, certificates);
      broken.watch(server.http1);
      return server.http1;
    },
    clientErrorHandler: (error, socket) => {
      broken.answer(error, socket);
    },
    // Idle keep-alive connections would hold a shutdown until their clients leave.
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 4_096 },
  });
  if (server === undefined) throw new Error('fastify made no server');
  if ('setSecureContext' in server.http1) {
    certificates?.follow(server.http1 as Parameters<Certificates['follow']>[0]);
    server.http1.on('tlsClientError', handshakeFailed);
  }
  return { app, server };
}

/** The error for a port that cannot be had, in words that say which setting moves it. */
export function cannotListen(
  { name, setting, host, port }: Pick<ListenerPlan, 'name' | 'setting' | 'host' | 'port'>,
  cause: unknown,
): Error {
  const why =
    cause instanceof Error && /EADDRINUSE|[Aa]ddress (?:already )?in use/.test(cause.message)
      ? 'is in use'
      : `cannot be had (${String(cause)})`;
  return new Error(`port ${port} on ${host} for ${name} ${why}; set ${setting} to another one, 0 or off`, {
    cause,
  });
}

async function drain(app: FastifyInstance, server: SharedServer, timeoutMs: number): Promise<void> {
  const timer = setTimeout(() => {
    app.server.closeAllConnections();
    server.destroyHttp2();
  }, timeoutMs);
  try {
    const closed = app.close();
    server.closeHttp2();
    await closed;
  } finally {
    clearTimeout(timer);
  }
}
