import { textAnswer } from '../answer.ts';
import { type Api, get, type Route } from '../api.ts';
import type { BuildInfo, QueryApiDeps, QueryApiOptions } from '../options.ts';
import { offeredVersions } from '../versions.ts';
import { jsonAnswer } from './answers.ts';
import { tempoRefusal } from './errors.ts';
import { metricsRoutes } from './metrics.ts';
import { searchRoutes } from './search.ts';
import { tagRoutes } from './tags.ts';
import { traceRoutes } from './trace-by-id.ts';

export function tempoApi({ build }: QueryApiDeps, { tempo }: QueryApiOptions): Api {
  return {
    name: 'tempo',
    refuse: tempoRefusal,
    routes: [
      ...traceRoutes,
      ...searchRoutes(tempo),
      ...metricsRoutes(tempo),
      ...tagRoutes(tempo),
      ...statusRoutes(build),
    ],
  };
}

function statusRoutes(build: BuildInfo): readonly Route[] {
  return [
    { methods: get, path: '/api/echo', access: 'open', handle: () => textAnswer(200, 'echo\n') },
    {
      methods: get,
      path: '/api/status/buildinfo',
      access: 'open',
      handle: () => jsonAnswer({ ...build, version: offeredVersions.tempo, goVersion: '' }),
    },
  ];
}
