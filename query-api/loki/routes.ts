import type { Api } from '../api.ts';
import type { QueryApiDeps, QueryApiOptions } from '../options.ts';
import { noRuleRoutes } from '../rules.ts';
import { detectedRoutes } from './detected.ts';
import { lokiRefusal } from './errors.ts';
import { labelRoutes } from './labels.ts';
import { legacyRoutes } from './legacy.ts';
import { statusRoutes } from './others.ts';
import { queryRoutes } from './query.ts';
import { Tails } from './tail.ts';
import { volumeRoutes } from './volume.ts';
import { wordRoutes } from './words.ts';

export function lokiApi({ build }: QueryApiDeps, { loki }: QueryApiOptions): Api {
  return {
    name: 'loki',
    refuse: lokiRefusal,
    sockets: new Tails(loki).routes,
    routes: [
      ...queryRoutes(loki),
      ...labelRoutes(loki),
      ...volumeRoutes(loki),
      ...detectedRoutes(loki),
      ...legacyRoutes(loki),
      ...wordRoutes(loki),
      ...statusRoutes(build, loki),
      ...noRuleRoutes('/prometheus/api/v1'),
    ],
  };
}
