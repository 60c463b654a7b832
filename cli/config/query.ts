import Type from 'typebox';
import { bytes, count, KiB, MiB, milliseconds, minuteMs, section } from './kinds.ts';

export const query = section('What queries may cost, and the defaults of the APIs.', {
  timeout_ms: milliseconds(minuteMs, 'Longest time of a query.', 100),
  memory_max_bytes: bytes(1024 * MiB, 'Most memory that one query holds.', MiB),
  series_max: count(500_000, 'Most series, streams or traces that one query holds.'),
  samples_max: count(50_000_000, 'Most samples that one query loads.'),
  kept_rows_max_bytes: bytes(
    64 * MiB,
    'Memory for what LogQL metric queries have made of sealed segments, so that the next of them reads only what is new; 0 keeps nothing.',
    0,
  ),
  waiting_per_tenant_max: count(
    1_000,
    'Most queries of one tenant that wait for their turn; further ones are answered 429.',
  ),
  form_size_max_bytes: bytes(MiB, 'Longest form body of a POST query.'),
  sql_rows_max: count(100_000, "Most rows of a SQL statement's answer; the rest is cut off and said to be."),
  gzip_min_bytes: bytes(KiB, 'Shortest answer that is compressed for clients that accept gzip.', 0),
  loki_entries_limit_default: count(100, 'Lines of a log query that names no `limit`.'),
  loki_entries_limit_max: count(5_000, 'Most lines that a log query may ask for.'),
  loki_series_max: count(
    1_000,
    "Most series of a LogQL metric query's answer: more are refused, and cut off for Logs Drilldown, which is told.",
  ),
  loki_query_length_max_ms: milliseconds(0, 'Longest time range of a Loki query; 0 allows any.', 0),
  loki_lookback_max_ms: milliseconds(
    0,
    'How old what a Loki query is answered of may be: what it asks for beyond is left out; 0 allows any.',
    0,
  ),
  loki_window_max_ms: milliseconds(
    0,
    'Longest window of a LogQL metric query, the 5m of `rate({…}[5m])`; 0 allows any.',
    0,
  ),
  loki_matchers_max: count(1_000, 'Most matchers of a LogQL selector.'),
  loki_matchers_min: count(0, 'Fewest matchers of a LogQL selector.', 0),
  loki_labels_required: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description: 'Labels that every LogQL selector must have a matcher for.',
  }),
  loki_tails_per_tenant_max: count(10, 'Most live tails of one tenant at once.'),
  loki_tail_duration_max_ms: milliseconds(60 * minuteMs, 'After how long a live tail ends.'),
  loki_tail_poll_ms: milliseconds(200, 'How often a live tail looks for new lines.'),
  tempo_traces_limit_default: count(20, 'Traces of a search that names no `limit`.'),
  tempo_traces_limit_max: count(1_000, 'Most traces that a search may ask for.'),
  tempo_spans_per_set_default: count(3, 'Spans listed per span set when a search names no `spss`.'),
  tempo_search_recent_ms: milliseconds(
    60 * minuteMs,
    'How far back a search without `start` and `end` looks.',
  ),
  tempo_series_max: count(
    1_000,
    "Most series of a TraceQL metrics query's answer; the rest is cut off and said to be.",
  ),
  tempo_exemplars_max: count(100, "Most exemplars of a TraceQL metrics query's answer."),
  tempo_intervals_max: count(11_000, 'Most values of one series of a TraceQL metrics query.'),
  prometheus_lookback_delta_ms: milliseconds(
    5 * minuteMs,
    'How long after its last sample a series still has a value.',
  ),
  prometheus_cors_origins: Type.Array(Type.String(), {
    default: [],
    description:
      'Origins whose pages may read answers of the Prometheus API (`*`: any); none turns that off.',
  }),
});
