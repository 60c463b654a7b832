import { get, type Route, read } from '../api.ts';
import { notSupported } from '../errors.ts';
import type { BuildInfo } from '../options.ts';
import { offeredVersions } from '../versions.ts';
import { success } from './answers.ts';

/** What Prometheus says of itself; nothing is scraped, and no alerts are sent, so those lists are empty. */
export function statusRoutes(prefix: string, build: BuildInfo): readonly Route[] {
  const facts = {
    // No `features`: with any, Grafana takes the server for Mimir and its ruler for writable.
    '/status/buildinfo': { ...build, version: offeredVersions.prometheus, goVersion: '' },
    '/targets': { activeTargets: [], droppedTargets: [], droppedTargetCounts: {} },
    '/targets/metadata': [],
    '/scrape_pools': { scrapePools: [] },
    '/alertmanagers': { activeAlertmanagers: [], droppedAlertmanagers: [] },
  };
  return Object.entries(facts).map(([path, data]) => ({
    methods: get,
    path: `${prefix}${path}`,
    access: 'open',
    handle: () => success(data),
  }));
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
