import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify';

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
  readonly requestTimeoutMs: number;
}

/** A port that takes requests. */
export interface Listener {
  readonly name: string;
  readonly port: number;
  /** Takes no more requests and waits for those under way, at most `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
}

/**
 * Opens one HTTP server.
 *
 * @throws Error naming the port and its setting when the port cannot be had
 */
export async function openListener(plan: ListenerPlan): Promise<Listener> {
  const app = fastify({
    requestTimeout: plan.requestTimeoutMs,
    // Grafana keeps idle connections for 90 s: closed earlier, its next request fails now and then.
    keepAliveTimeout: 125_000,
    http: { maxHeaderSize: 128 * 1024 },
    // Idle keep-alive connections would hold a shutdown until their clients leave.
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 4_096 },
  });
  app.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).type('text/plain').send('404 page not found\n'),
  );
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
      await drain(app, timeoutMs);
    },
  };
}

/** The error for a port that cannot be had, in words that say which setting moves it. */
export function cannotListen(
  { name, setting, host, port }: Pick<ListenerPlan, 'name' | 'setting' | 'host' | 'port'>,
  cause: unknown,
): Error {
  const why =
    cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
      ? 'is in use'
      : `cannot be had (${String(cause)})`;
  return new Error(`port ${port} on ${host} for ${name} ${why}; set ${setting} to another one, 0 or off`, {
    cause,
  });
}

async function drain(app: FastifyInstance, timeoutMs: number): Promise<void> {
  const timer = setTimeout(() => {
    app.server.closeAllConnections();
  }, timeoutMs);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}
