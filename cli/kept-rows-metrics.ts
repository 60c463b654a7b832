import type { Metric } from './status-metric.ts';

/** What metric queries over logs keep for each other. */
export const keptRowsMetrics: readonly Metric[] = [
  {
    name: 'varve_query_kept_rows_bytes',
    help: 'Memory for what LogQL metric queries have made of sealed segments.',
    read: ({ keptRows }) => [{ value: keptRows.bytes }],
  },
  {
    name: 'varve_query_kept_rows_max_bytes',
    help: 'query.kept_rows_max_bytes.',
    read: ({ keptRows }) => [{ value: keptRows.maxBytes }],
  },
  {
    name: 'varve_query_kept_rows_hits_total',
    help: 'Segments that a LogQL metric query did not read because an earlier one had.',
    read: ({ keptRows }) => [{ value: keptRows.hitsTotal }],
  },
  {
    name: 'varve_query_kept_rows_misses_total',
    help: 'Segments that a LogQL metric query looked for there in vain.',
    read: ({ keptRows }) => [{ value: keptRows.missesTotal }],
  },
];
