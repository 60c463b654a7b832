import type { FastifyInstance } from 'fastify';

/** What browsers' SDKs send beside what every page may. */
const allowedHeaders =
  'Content-Type, Content-Encoding, X-Scope-OrgID, traceparent, tracestate, baggage, Authorization';
/** For how long a browser need not ask again; none keeps it longer than two hours. */
const maxAgeSeconds = 7_200;

/** Lets pages of these origins (`*`: any) send to the paths: answers their preflights, and names them in answers. */
export function allowOrigins(
  app: FastifyInstance,
  origins: readonly string[],
  paths: readonly string[],
): void {
  if (origins.length === 0) return;
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    reply.header('vary', 'Origin');
    if (origin !== undefined && (origins.includes(origin) || origins.includes('*')))
      reply.header('access-control-allow-origin', origin);
    done();
  });
  for (const path of paths) {
    app.options(path, async (_request, reply) => {
      if (reply.hasHeader('access-control-allow-origin')) {
        reply.headers({
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': allowedHeaders,
          'access-control-max-age': String(maxAgeSeconds),
        });
      }
      return await reply.code(204).send();
    });
  }
}
