import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import type { Authenticate, Scope } from './auth.ts';

const statuses = { unauthenticated: 401, forbidden: 403, busy: 503 } as const;

/**
 * Lets only those requests through to a plugin's routes that may have `scope`; they come with the
 * tenants that their credentials stand for as `X-Scope-OrgID`.
 */
export function guarded(
  plugin: FastifyPluginAsync,
  scope: Scope,
  authenticate: Authenticate | undefined,
): FastifyPluginAsync {
  if (authenticate === undefined) return plugin;
  return async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      const { authorization = '', 'x-scope-orgid': header } = request.headers;
      const orgId = typeof header === 'string' ? header : (header?.[0] ?? '');
      const verdict = await authenticate({ authorization, orgId, scope });
      if ('refused' in verdict) return await refuse(reply, statuses[verdict.refused], verdict.message);
      if (verdict.orgId !== '') request.headers['x-scope-orgid'] = verdict.orgId;
    });
    await app.register(plugin);
  };
}

async function refuse(reply: FastifyReply, status: number, message: string): Promise<FastifyReply> {
  if (status === 401) reply.header('www-authenticate', 'Basic realm="varve", Bearer realm="varve"');
  if (status === 503) reply.header('retry-after', '1');
  return await reply.code(status).type('text/plain; charset=utf-8').send(`${message}\n`);
}
