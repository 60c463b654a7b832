import type { FastifyReply, FastifyRequest } from 'fastify';
import { asksForCredentials, challenge, IngestError, refusalOf, retryAfterOf } from '../errors.ts';
import { plainTextStatus } from '../plain-text.ts';
import {
  type Declared,
  gzipOrNone,
  type Intake,
  leaveBodiesUnread,
  mediaTypeOf,
  type Receiver,
} from '../receiver.ts';
import { answerProbes } from './probes.ts';

// The last two are those of official clients, which append `;compatible-with=`.
const mediaTypes: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/json',
  'application/vnd.elasticsearch+x-ndjson',
  'application/vnd.elasticsearch+json',
]);

/** Elasticsearch's bulk API for logs, with the answers that its clients look for before they send. */
export const elasticsearchBulk: Receiver = {
  name: 'elasticsearch',
  register(app, intake) {
    leaveBodiesUnread(app);
    // Official clients refuse to talk to what does not say it.
    app.addHook('onSend', (_request, reply, _payload, done) => {
      reply.header('x-elastic-product', 'Elasticsearch');
      done();
    });
    for (const url of ['/_bulk', '/:index/_bulk'])
      app.route({
        method: ['POST', 'PUT'],
        url,
        handler: async (request, reply) => await bulk(request, reply, intake),
      });
    answerProbes(app);
  },
};

/** The same below a path of its own, for a port that others share. */
export const elasticsearchBelow: Receiver = {
  name: elasticsearchBulk.name,
  register(app, intake) {
    const below = { prefix: '/elasticsearch' };
    app.register((scope, _options, done) => {
      elasticsearchBulk.register(scope, intake);
      done();
    }, below);
  },
};

async function bulk(request: FastifyRequest, reply: FastifyReply, intake: Intake): Promise<FastifyReply> {
  const startedMs = performance.now();
  try {
    const { answer } = await intake.http(elasticsearchBulk.name, request, declaredBy(request));
    const head = Buffer.from(`{"took":${Math.round(performance.now() - startedMs)},`);
    const body = Buffer.concat([head, answer ?? Buffer.alloc(0), Buffer.from('}')]);
    return await reply.code(200).type('application/json').send(body);
  } catch (thrown) {
    return await refuse(reply, thrown, intake);
  }
}

function declaredBy(request: FastifyRequest): Declared {
  const media = mediaTypeOf(request);
  if (!mediaTypes.has(media))
    throw new IngestError(
      'MEDIA_TYPE_UNSUPPORTED',
      `Content-Type header [${media}] is not supported; send application/x-ndjson`,
    );
  const { index } = request.params as { readonly index?: string };
  return { format: 'elasticBulk', encoding: gzipOrNone(request), target: index };
}

/** A request that was refused as a whole, in Elasticsearch's form. Clients send 429 and 503 again. */
async function refuse(reply: FastifyReply, thrown: unknown, intake: Intake): Promise<FastifyReply> {
  const refusal = refusalOf(thrown);
  const { code, message: reason } = refusal;
  const status = plainTextStatus[code];
  const retryAfter = retryAfterOf(refusal, intake.retryAfterSeconds);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  if (asksForCredentials(code)) reply.header('www-authenticate', challenge);
  // The rest of the body is not read, so the connection cannot be used again.
  if (code === 'BODY_TOO_LARGE') reply.header('connection', 'close');
  const error = { type: typeOf(status), reason };
  return await reply.code(status).send({ error: { root_cause: [error], ...error }, status });
}

function typeOf(status: number): string {
  if (status === 429 || status === 503) return 'es_rejected_execution_exception';
  if (status === 401 || status === 403) return 'security_exception';
  return status >= 500 ? 'exception' : 'illegal_argument_exception';
}
