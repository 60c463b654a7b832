import type { FastifyPluginAsync } from 'fastify';
import { apiPlugin } from './api.ts';
import { type ApiName, apis } from './apis.ts';
import type { QueryApiDeps, QueryApiOptions } from './options.ts';

export type { ApiName } from './apis.ts';
export type {
  BuildInfo,
  QueryApiDeps,
  QueryApiOptions,
  QueryLog,
  QueryMetrics,
} from './options.ts';

/**
 * The peers' APIs as plugins: register on each listener those that it serves. Their paths do not
 * collide, so one listener may serve all.
 */
export function createQueryApi(
  options: QueryApiOptions,
  deps: QueryApiDeps,
): Readonly<Record<ApiName, FastifyPluginAsync>> {
  return {
    loki: apiPlugin(apis.loki(deps, options), deps, options),
    lokiDeletes: apiPlugin(apis.lokiDeletes(deps), deps, options),
    tempo: apiPlugin(apis.tempo(deps, options), deps, options),
    prometheus: apiPlugin(apis.prometheus(deps, options), deps, options),
    prometheusDeletes: apiPlugin(apis.prometheusDeletes(deps), deps, options),
    deletes: apiPlugin(apis.deletes(deps), deps, options),
    position: apiPlugin(apis.position(deps), deps, options),
    sql: apiPlugin(apis.sql(deps, options), deps, options),
    explain: apiPlugin(apis.explain(deps, options), deps, options),
    health: apiPlugin(apis.health(deps), deps, options),
  };
}
