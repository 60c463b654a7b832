import type { Api } from '../api.ts';
import type { QueryApiDeps, QueryApiOptions } from '../options.ts';
import { noRuleRoutes } from '../rules.ts';
import { lokiRefusal } from './errors.ts';
import { labelRoutes } from './labels.ts';
import { statusRoutes, unservedRoutes } from './others.ts';
import { queryRoutes } from './query.ts';
import { volumeRoutes } from './volume.ts';

export function lokiApi({ build }: QueryApiDeps, { loki }: QueryApiOptions): Api {
  return {
    name: 'loki',
    refuse: lokiRefusal,
    routes: [
      ...queryRoutes(loki),
      ...labelRoutes,
      ...volumeRoutes,
      ...statusRoutes(build, loki),
      ...noRuleRoutes('/prometheus/api/v1'),
      ...unservedRoutes,
    ],
  };
}
