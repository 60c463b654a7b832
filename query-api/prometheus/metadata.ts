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

const unserved = [
  ['/format_query', 'formatting of queries is'],
  ['/parse_query', 'syntax trees of queries are'],
  ['/read', 'remote read is'],
] as const;

/** What clients of Prometheus call and Varve cannot answer yet: said, instead of an empty answer. */
export function unservedRoutes(prefix: string): readonly Route[] {
  return unserved.map(([path, what]) => ({
    methods: read,
    path: `${prefix}${path}`,
    handle: () => {
      throw notSupported(what);
    },
  }));
}
