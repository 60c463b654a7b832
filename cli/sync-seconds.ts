import { Gauge, Histogram } from 'prom-client';
import type { StoreStatus } from '../storage/index.ts';

const name = 'varve_log_sync_seconds';
const help = 'How long syncs took.';

/**
 * How long syncs of the journal took, as a histogram. Native code counts them, and a Histogram has no way to be told
 * counts, so this is a gauge that shows itself as one.
 */
export class SyncSeconds extends Gauge {
  readonly #journal: () => StoreStatus['journal'];
  readonly #shown = new Histogram({ name, help, registers: [] });

  constructor(journal: () => StoreStatus['journal']) {
    super({ name, help, registers: [] });
    this.#journal = journal;
  }

  override async get() {
    const { syncBoundsUs, syncCounts, syncsTotal, syncUsTotal } = this.#journal();
    let below = 0;
    const buckets = [...syncBoundsUs.map((us) => us / 1e6), '+Inf'].map((le, index) => {
      below += syncCounts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le }, value: below };
    });
    return {
      ...(await this.#shown.get()),
      values: [
        ...buckets,
        { metricName: `${name}_sum`, labels: {}, value: syncUsTotal / 1e6 },
        { metricName: `${name}_count`, labels: {}, value: syncsTotal },
      ],
    };
  }
}
