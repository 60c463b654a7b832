import type { Direction } from './plan/generated.ts';

/** A LogQL query over a range; times and lengths in nanoseconds. */
export interface LogqlRange {
  readonly kind: 'range';
  /** Lines: included. Metrics: the first step. */
  readonly from: bigint;
  /** Lines: excluded. Metrics: no step is later. */
  readonly to: bigint;
  /** Between steps of a metric query. */
  readonly step: bigint;
  /** At most one line, of whichever stream, in each interval; 0 for all. */
  readonly interval: bigint;
  /** The most lines over all streams. */
  readonly limit: number;
  readonly direction: Direction;
}

/** A LogQL query at one instant, in nanoseconds. */
export interface LogqlInstant {
  readonly kind: 'instant';
  readonly time: bigint;
  readonly limit: number;
  readonly direction: Direction;
}

/** A PromQL query over a range or at an instant; times and lengths in nanoseconds. */
export type PromqlHow =
  | {
      readonly kind: 'range';
      readonly start: bigint;
      readonly end: bigint;
      readonly step: bigint;
      /** How old a sample may be to count. */
      readonly lookback: bigint;
    }
  | { readonly kind: 'instant'; readonly time: bigint; readonly lookback: bigint };

/** A TraceQL search; times in nanoseconds, 0 spans per set for all. */
export interface TraceqlHow {
  readonly from: bigint;
  readonly to: bigint;
  readonly limit: number;
  readonly spansPerSet: number;
  /** Whether only whole traces are told of, and not which of their spans match. */
  readonly summariesOnly: boolean;
}

/** A TraceQL metrics query; times and lengths in nanoseconds. */
export interface TraceqlMetricsHow {
  /** Spans that start then or earlier do not count. */
  readonly from: bigint;
  /** The last that counts. */
  readonly to: bigint;
  /** Between values; 0 for one value over the whole range. */
  readonly step: bigint;
  readonly exemplars: number;
  /** Whatever the query's hints say. */
  readonly exemplarsMax: number;
  readonly seriesMax: number;
}
