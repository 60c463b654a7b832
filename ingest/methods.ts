import type { FastifyInstance } from 'fastify';

const others = ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Says of paths that are only posted to that they are, instead of that there are none; HEAD goes with GET. */
export function refuseOtherMethods(
  app: FastifyInstance,
  paths: readonly string[],
  { except = [] }: { readonly except?: readonly string[] } = {},
): void {
  const method = others.filter((other) => !except.includes(other));
  for (const url of paths) {
    app.route({
      method,
      url,
      handler: async (_request, reply) =>
        await reply
          .code(405)
          .header('allow', ['POST', ...except].join(', '))
          .type('text/plain')
          .send('405 method not allowed, supported: [POST]'),
    });
  }
}
