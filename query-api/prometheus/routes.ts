import type { FastifyRequest, HTTPMethods } from 'fastify';
import { textAnswer } from '../answer.ts';
import type { Api, Route } from '../api.ts';
import type { PrometheusOptions, QueryApiDeps, QueryApiOptions } from '../options.ts';
import { noRuleRoutes } from '../rules.ts';
import { prometheusRefusal } from './errors.ts';
import { remoteReadRoute, statusRoutes } from './metadata.ts';
import { queryRoutes } from './query.ts';
import { seriesRoutes } from './series.ts';

/** Prometheus' own prefix, and Mimir's. */
const prefixes = ['/api/v1', '/prometheus/api/v1'];

export function prometheusApi({ build }: QueryApiDeps, { prometheus }: QueryApiOptions): Api {
  const routes = prefixes.flatMap((prefix) => [
    ...queryRoutes(prefix, prometheus),
    ...seriesRoutes(prefix),
    ...statusRoutes(prefix, build),
    ...noRuleRoutes(prefix),
    remoteReadRoute(prefix),
  ]);
  return {
    name: 'prometheus',
    refuse: prometheusRefusal,
    headersFor: (request) => crossOriginHeaders(request, prometheus),
    routes: [...routes, ...routes.map(preflight), ...routes.map(otherMethods)],
  };
}

const methods: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** A path that is there, asked in a way that it is not: client libraries then try another. */
function otherMethods({ methods: taken, path }: Route): Route {
  return {
    methods: methods.filter((method) => !taken.includes(method)),
    path,
    access: 'open',
    handle: () => ({
      ...textAnswer(405, 'Method Not Allowed\n'),
      headers: { allow: [...taken, 'OPTIONS'].join(', ') },
    }),
  };
}

/** What a browser asks before a page of another origin may read the answer. */
function preflight({ path }: Route): Route {
  return {
    methods: ['OPTIONS'],
    path,
    access: 'open',
    handle: () => ({ status: 204, contentType: 'text/plain', body: Buffer.alloc(0) }),
  };
}

function crossOriginHeaders(
  { headers }: FastifyRequest,
  { corsOrigins }: PrometheusOptions,
): Readonly<Record<string, string>> {
  const { origin } = headers;
  if (origin === undefined || !(corsOrigins.includes(origin) || corsOrigins.includes('*'))) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'GET, POST, OPTIONS',
    'access-control-allow-headers': 'Accept, Authorization, Content-Type, Origin, X-Scope-OrgID',
    'access-control-expose-headers': 'Date',
    vary: 'Accept-Encoding, Origin',
  };
}
