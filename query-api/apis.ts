import type { Api } from './api.ts';
import { explainApi } from './explain/routes.ts';
import { healthApi } from './health.ts';
import { lokiDeletesApi } from './loki/deletes.ts';
import { lokiApi } from './loki/routes.ts';
import type { QueryApiDeps, QueryApiOptions } from './options.ts';
import { prometheusDeletesApi } from './prometheus/deletes.ts';
import { prometheusApi } from './prometheus/routes.ts';
import { sqlApi } from './sql/routes.ts';
import { deletesApi } from './store/deletes.ts';
import { positionApi } from './store/position.ts';
import { tempoApi } from './tempo/routes.ts';

/** Every API that is spoken; a new one is a line here. */
export const apis = {
  loki: lokiApi,
  lokiDeletes: lokiDeletesApi,
  tempo: tempoApi,
  prometheus: prometheusApi,
  prometheusDeletes: prometheusDeletesApi,
  sql: sqlApi,
  deletes: deletesApi,
  position: positionApi,
  explain: explainApi,
  health: healthApi,
} as const satisfies Record<string, (deps: QueryApiDeps, options: QueryApiOptions) => Api>;

export type ApiName = keyof typeof apis;
