import { textAnswer } from '../answer.ts';
import { type Api, get, type Route } from '../api.ts';
import { notSupported } from '../errors.ts';
import type { BuildInfo, QueryApiDeps, QueryApiOptions } from '../options.ts';
import { offeredVersions } from '../versions.ts';
import { jsonAnswer } from './answers.ts';
import { tempoRefusal } from './errors.ts';
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
      ...tagRoutes(tempo),
      ...statusRoutes(build),
      ...unservedRoutes,
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

/** TraceQL's metrics functions have no plan yet. */
const unservedRoutes: readonly Route[] = ['/api/metrics/query_range', '/api/metrics/query'].map((path) => ({
  methods: get,
  path,
  handle: () => {
    throw notSupported('TraceQL metrics queries are');
  },
}));
