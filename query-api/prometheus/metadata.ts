import type { Answer } from '../answer.ts';
import { type Call, get, type Route, read } from '../api.ts';
import { notSupported } from '../errors.ts';
import type { BuildInfo } from '../options.ts';
import { nanos } from '../time.ts';
import { offeredVersions } from '../versions.ts';
import { success } from './answers.ts';
import { cardinality } from './cardinality.ts';

/** What Prometheus says of itself; nothing is scraped, and no alerts are sent, so those lists are empty. */
export function statusRoutes(prefix: string, build: BuildInfo): readonly Route[] {
  const facts = {
    // No `features`: with any, Grafana takes the server for Mimir and its ruler for writable.
    '/status/buildinfo': { ...build, version: offeredVersions.prometheus, goVersion: '' },
    '/targets': { activeTargets: [], droppedTargets: [], droppedTargetCounts: {} },
    '/targets/metadata': [],
    '/scrape_pools': { scrapePools: [] },
    '/alertmanagers': { activeAlertmanagers: [], droppedAlertmanagers: [] },
    // Its own configuration and flags are not in Prometheus' words, and its journal is read before it answers.
    '/status/config': { yaml: '' },
    '/status/flags': {},
    '/status/walreplay': { min: 0, max: 0, current: 0 },
  };
  const open = Object.entries(facts).map(([path, data]) => ({
    methods: get,
    path: `${prefix}${path}`,
    access: 'open' as const,
    handle: () => success(data),
  }));
  return [
    ...open,
    { methods: get, path: `${prefix}/status/runtimeinfo`, access: 'open', handle: runtimeInfo },
    { methods: get, path: `${prefix}/status/tsdb`, handle: cardinality },
  ];
}

const startedMs = Math.round(performance.timeOrigin);

/** What of Prometheus' runtime there is here too; not where the program runs, which is open to all. */
function runtimeInfo({ now }: Call): Answer {
  return success({
    startTime: new Date(startedMs).toISOString(),
    CWD: '',
    hostname: '',
    serverTime: new Date(Number(now / nanos.millisecond)).toISOString(),
    reloadConfigSuccess: true,
    lastConfigTime: new Date(startedMs).toISOString(),
    corruptionCount: 0,
    goroutineCount: 0,
    GOMAXPROCS: 0,
    GOMEMLIMIT: 0,
    GOGC: '',
    GODEBUG: '',
    storageRetention: '',
  });
}

/** What clients of Prometheus call and Varve cannot answer yet: said, instead of an empty answer. */
export function remoteReadRoute(prefix: string): Route {
  return {
    methods: read,
    path: `${prefix}/read`,
    handle: () => {
      throw notSupported('remote read is');
    },
  };
}
