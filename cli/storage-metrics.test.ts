import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { StoreStatus } from '../storage/index.ts';
import { registerStorageMetrics } from './storage-metrics.ts';
import { sound } from './test-support/sound-status.ts';

async function shown(journal: Partial<StoreStatus['journal']>): Promise<string> {
  const registry = new Registry();
  registerStorageMetrics(registry, () => ({ ...sound, journal: { ...sound.journal, ...journal } }));
  // As often as it is asked for, it tells the same.
  await registry.metrics();
  return await registry.metrics();
}

describe("the log's metrics", () => {
  it('that only grow are counters, the others gauges', async () => {
    const text = await shown({});
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    for (const [, name = '', type] of types)
      if (type !== 'histogram')
        expect([name, type]).toEqual([name, name.endsWith('_total') ? 'counter' : 'gauge']);
    expect(text).toContain('\nvarve_log_groups_total 4\n');
  });

  it('tell how long syncs took as a histogram', async () => {
    const text = await shown({ syncBoundsUs: [500, 1_000], syncCounts: [3, 0, 1] });
    expect(text).toContain(`# TYPE varve_log_sync_seconds histogram
varve_log_sync_seconds_bucket{le="0.0005"} 3
varve_log_sync_seconds_bucket{le="0.001"} 3
varve_log_sync_seconds_bucket{le="+Inf"} 4
varve_log_sync_seconds_sum 0.002
varve_log_sync_seconds_count 4
`);
  });

  it('tell what queries keep', async () => {
    const text = await shown({});
    expect(text).toContain('\nvarve_query_kept_rows_bytes 1024\n');
    expect(text).toContain(
      '# TYPE varve_query_kept_rows_hits_total counter\nvarve_query_kept_rows_hits_total 7\n',
    );
    expect(text).toContain('\nvarve_query_kept_rows_misses_total 3\n');
  });

  it('tell how far behind views and holds are', async () => {
    const hold = { name: 'copy', owner: 'me', setAtMs: 0, maxAgeMs: 1, expired: false, places: {} };
    const kept = { keptRecords: 5, keptBytes: 3_072, oldestKeptMs: Date.now() - 90_000 };
    const text = await shown({ holds: [{ ...hold, ...kept }] });
    expect(text).toContain('\nvarve_log_held_bytes{partition="logs/1"} 2048\n');
    expect(text).toContain('\nvarve_log_held_age_seconds{partition="spans/0"} 0\n');
    expect(text).toContain('\nvarve_log_hold_kept_bytes{hold="copy"} 3072\n');
    expect(text).toMatch(/^varve_log_hold_kept_age_seconds\{hold="copy"\} 9\d/m);
  });

  it('tell of who follows the log by name how far behind it is', async () => {
    const follower = { name: 'copy', kind: 'subscription', lagRecords: 5, lagBytes: 3_072 } as const;
    const text = await shown({ followers: [{ ...follower, oldestMs: Date.now() - 90_000 }] });
    expect(text).toContain('\nvarve_log_follower_lag_records{follower="copy",kind="subscription"} 5\n');
    expect(text).toContain('\nvarve_log_follower_lag_bytes{follower="copy",kind="subscription"} 3072\n');
    expect(text).toMatch(/^varve_log_follower_lag_seconds\{follower="copy",kind="subscription"\} 9\d/m);
  });
});
