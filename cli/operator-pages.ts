import type { FastifyPluginAsync } from 'fastify';
import type { Config } from './config/schema.ts';
import { type ShownPart, showConfig } from './config/shown.ts';

/** As Loki calls the states of its parts. */
export type ServiceState = 'Starting' | 'Running' | 'Stopping' | 'Failed';

interface Shown {
  readonly config: Config;
  readonly logLevel: () => string;
  /** By the name of each part. */
  readonly services: () => Readonly<Record<string, ServiceState>>;
}

/** What Loki shows to whoever runs it: its configuration, parts and log level. */
export function operatorPages({ config, logLevel, services }: Shown): FastifyPluginAsync {
  return (app) => {
    app.get<{ Querystring: Readonly<Record<string, unknown>> }>('/config', async (request, reply) =>
      reply.type('text/plain; charset=utf-8').send(showConfig(config, partOf(request.query['mode']))),
    );
    app.get('/services', async (_request, reply) => {
      const lines = Object.entries(services()).map(([name, state]) => `${name} => ${state}\n`);
      return reply.type('text/plain; charset=utf-8').send(lines.join(''));
    });
    app.get('/log_level', async (_request, reply) =>
      reply.send({ message: `Current log level is ${logLevel()}` }),
    );
    app.post('/log_level', async (_request, reply) => {
      const message = 'no port of Varve takes commands; set telemetry.log_level and start again';
      return reply.code(405).header('allow', 'GET').send({ status: 'failed', message });
    });
    return Promise.resolve();
  };
}

/** `diff` is what Loki reads, `diffs` what its documentation says. */
function partOf(mode: unknown): ShownPart {
  if (mode === 'diff' || mode === 'diffs') return 'diff';
  return mode === 'defaults' ? 'defaults' : 'whole';
}
