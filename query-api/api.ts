import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { AnswerFormat, AsOf, Plan, SqlFormat } from '../search/index.ts';
import type { QueryAnswer, SqlAnswer, TenantId } from '../storage/index.ts';
import { type Answer, acceptsGzip, compressed } from './answer.ts';
import { asOfIn } from './as-of.ts';
import { badParameter } from './errors.ts';
import type { QueryApiDeps, QueryApiOptions } from './options.ts';
import { Params } from './params.ts';
import { registerSockets, type SocketRoute } from './sockets.ts';
import { tenantsOf } from './tenancy.ts';

/** What a handler wants computed. */
export interface Question {
  readonly plan: Plan;
  readonly answer: AnswerFormat;
  /** The request's own wish; only counts when it is shorter than the server's. */
  readonly timeoutMs?: number;
  /** The most series of the answer; undefined for all. */
  readonly seriesLimit?: number | undefined;
}

/** A statement that a handler wants run. */
interface SqlQuestion {
  readonly statement: string;
  readonly format: SqlFormat;
  /** The most rows that are answered. */
  readonly rowsMax: number;
}

/** What of a request decides how a query is planned. */
export type Asked = Pick<Call, 'params' | 'headers' | 'now'>;

/** One request, read. */
export interface Call {
  readonly params: Params;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body's text; empty unless it is a form or the API reads any. */
  readonly body: string;
  /** A piece of the path, decoded. */
  readonly pathPart: (name: string) => string;
  /** When the request came, in nanoseconds since 1970. */
  readonly now: bigint;
  /** Whose data is asked for; none where the route is open. */
  readonly tenants: readonly TenantId[];
  /** As of when the request reads; undefined: now. */
  readonly asOf: AsOf | undefined;
  /** Runs a plan on the request's tenants; ends early when the client closes its connection. */
  readonly ask: (question: Question) => Promise<QueryAnswer>;
  /** Runs a SQL statement in the same way. */
  readonly askSql: (question: SqlQuestion) => Promise<SqlAnswer>;
}

export type Handler = (call: Call) => Answer | Promise<Answer>;

export interface Route {
  readonly methods: readonly HTTPMethods[];
  readonly path: string;
  readonly handle: Handler;
  /** `open`: the answer holds nobody's data, so it needs no tenant. */
  readonly access?: 'open';
}

/** One peer's API: its routes, and its words for whatever goes wrong in them. */
export interface Api {
  readonly name: string;
  readonly routes: readonly Route[];
  readonly refuse: (error: unknown, request: FastifyRequest) => Answer;
  /** Routes that become WebSockets. */
  readonly sockets?: readonly SocketRoute[];
  /** `text`: bodies of every type are read, not only forms. */
  readonly bodies?: 'text';
  /** Headers of every answer to this request. */
  readonly headersFor?: (request: FastifyRequest) => Readonly<Record<string, string>>;
}

export const read: readonly HTTPMethods[] = ['GET', 'POST'];
export const get: readonly HTTPMethods[] = ['GET'];

/** An API as a plugin: its own body parsing and errors, so that others can share the server. */
export function apiPlugin(api: Api, deps: QueryApiDeps, options: QueryApiOptions): FastifyPluginAsync {
  return async (app) => {
    parseBodies(app, api.bodies ?? 'forms', options.formSizeMaxBytes);
    app.setErrorHandler(async (error, request, reply) => {
      await send(refusalOf(error, request, { api, deps }), { api, request, reply, options });
    });
    for (const route of api.routes) {
      const { methods, path } = route;
      // The rule endpoints of Loki and Prometheus share a path; on one port the first to register answers both.
      const free = methods.filter((method) => !app.hasRoute({ method, url: path }));
      if (free.length === 0) continue;
      app.route({
        method: [...free],
        url: path,
        handler: async (request, reply) => {
          const startedMs = deps.clock();
          const answer = await answerOf(request, reply, { api, route, deps, options });
          await send(answer, { api, request, reply, options });
          const elapsedMs = deps.clock() - startedMs;
          deps.metrics?.served({ api: api.name, route: path, status: answer.status, elapsedMs });
          const queryTags = request.headers['x-query-tags'];
          deps.log.debug(
            { api: api.name, route: path, status: answer.status, elapsedMs, queryTags },
            'query answered',
          );
          return reply;
        },
      });
    }
    if (api.sockets === undefined) return;
    await registerSockets(app, api.sockets, {
      search: deps.search,
      clock: deps.clock,
      tenantsOf: (request) => tenantsOf(request.headers['x-scope-orgid'], options),
      upgradeMissing: () => badParameter('the client is not using the websocket protocol'),
    });
  };
}

interface Serving {
  readonly api: Api;
  readonly route: Route;
  readonly deps: QueryApiDeps;
  readonly options: QueryApiOptions;
}

async function answerOf(request: FastifyRequest, reply: FastifyReply, serving: Serving): Promise<Answer> {
  try {
    return await serving.route.handle(callOf(request, reply, serving));
  } catch (error) {
    return refusalOf(error, request, serving);
  }
}

/** What the client is told; faults of ours are also told to the log, with what the client is not. */
function refusalOf(
  error: unknown,
  request: FastifyRequest,
  { api, deps }: Pick<Serving, 'api' | 'deps'>,
): Answer {
  const answer = api.refuse(error, request);
  if (answer.status === 500) deps.log.error({ err: error, api: api.name, url: request.url }, 'query failed');
  return answer;
}

function callOf(request: FastifyRequest, reply: FastifyReply, { api, route, deps, options }: Serving): Call {
  // First of all: whoever may not read must not learn whether the query was well written.
  const tenants = route.access === 'open' ? [] : tenantsOf(request.headers['x-scope-orgid'], options);
  const body = typeof request.body === 'string' ? request.body : '';
  const isForm = api.bodies !== 'text' || request.headers['content-type']?.startsWith(formType) === true;
  const parts = request.params as Readonly<Record<string, string>>;
  const params = new Params(request.url, isForm ? body : '');
  const asOf = asOfIn(params, request.headers);
  return {
    params,
    headers: request.headers,
    body,
    pathPart: (name) => parts[name] ?? '',
    now: BigInt(deps.clock()) * 1_000_000n,
    tenants,
    asOf,
    ask: async (question) =>
      await deps.search.run({ tenants, asOf, ...question, signal: closedBefore(reply) }),
    askSql: async (question) =>
      await deps.search.sql({ tenants, asOf, ...question, signal: closedBefore(reply) }),
  };
}

/** Aborts when the connection closes before the answer is out. */
function closedBefore(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  // The response's 'close', not the request's: that one comes as soon as a form body is read.
  const abort = (): void => {
    if (!reply.raw.writableFinished) controller.abort();
  };
  if (reply.raw.destroyed) abort();
  reply.raw.once('close', abort);
  return controller.signal;
}

async function send(
  answer: Answer,
  {
    api,
    request,
    reply,
    options,
  }: { api: Api; request: FastifyRequest; reply: FastifyReply; options: QueryApiOptions },
): Promise<void> {
  const { status, contentType, body, headers } = answer;
  reply.code(status).headers({ vary: 'Accept-Encoding', ...api.headersFor?.(request), ...headers });
  if (status === 204) {
    await reply.send();
    return;
  }
  reply.type(contentType);
  if (body.length >= options.gzipMinBytes && acceptsGzip(request.headers['accept-encoding'])) {
    reply.header('content-encoding', 'gzip');
    // A Buffer also keeps fastify from adding a charset to the peers' exact content types.
    await reply.send(await compressed(body));
    return;
  }
  await reply.send(body);
}

const formType = 'application/x-www-form-urlencoded';

/** Form bodies stay text for `Params`; bodies of any other type are read and ignored, as the peers do. */
function parseBodies(app: FastifyInstance, bodies: 'text' | 'forms', bodyLimit: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(formType, { parseAs: 'string', bodyLimit }, (_request, body, done) => {
    done(null, body);
  });
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit }, (_request, body, done) => {
    done(null, bodies === 'text' ? body : undefined);
  });
}
