import type {
  AttributeScope,
  Field,
  FieldExpr,
  FieldsOf,
  LabelMatcher,
  LabelsOf,
  LogRows,
  Plan,
  SpanSelection,
  TimeRange,
  VolumeBy,
} from './plan/generated.ts';
import type { TraceId } from './trace-id.ts';

/** From `from` (included) to `to` (excluded), in nanoseconds since the epoch. */
export interface TimeBounds {
  readonly from: bigint;
  readonly to: bigint;
}

/** Label sets of streams or series that match any of these; none means all. */
export type Selectors = readonly (readonly LabelMatcher[])[];

/** Plans that no language is needed for. Limits: 0 for none. */
export const lookup = {
  /** The spans of a trace, all of them unless some are selected, wherever they are unless `range` says so. */
  traceById(id: TraceId, range?: TimeBounds, spans: SpanSelection | null = null): Plan {
    return { node: 'traceById', traceId: id, range: range === undefined ? null : rangeOf(range), spans };
  },

  /** Names or values of stream labels, or whole label sets. */
  streamLabels(selectors: Selectors, range: TimeBounds, of: LabelsOf): Plan {
    return { node: 'streamLabels', selectors: copyOf(selectors), range: rangeOf(range), of };
  },

  /** How many streams, lines and bytes there are. */
  logTotals(matchers: readonly LabelMatcher[], range: TimeBounds): Plan {
    return { node: 'logTotals', matchers: [...matchers], range: rangeOf(range) };
  },

  /** Bytes of lines by labels; `step` 0n for one sum over the whole range. */
  logVolume(
    matchers: readonly LabelMatcher[],
    range: TimeBounds,
    { by, step, limit }: { by: VolumeBy; step: bigint; limit: number },
  ): Plan {
    const volume = { by, step: step.toString(), limit };
    return { node: 'logVolume', matchers: [...matchers], range: rangeOf(range), ...volume };
  },

  /** Labels that tell something, with how many values each has. */
  detectedLabels(matchers: readonly LabelMatcher[], range: TimeBounds): Plan {
    return { node: 'detectedLabels', matchers: [...matchers], range: rangeOf(range) };
  },

  /** Fields of the newest `lineLimit` lines, or the values of one; at most `limit`. */
  detectedFields(
    input: LogRows,
    of: FieldsOf,
    { lineLimit, limit }: { lineLimit: number; limit: number },
  ): Plan {
    return { node: 'detectedFields', input, lineLimit, of, limit };
  },

  /** What lines have in common, counted in steps. */
  logPatterns(input: LogRows, step: bigint): Plan {
    return { node: 'logPatterns', input, step: step.toString() };
  },

  /** Lines as they are stored; see the plan's node. */
  logTail(input: LogRows, after: string | null, limit: number): Plan {
    return { node: 'logTail', input, after, limit };
  },

  /** Names or values of series labels, or whole label sets; at most `limit` entries. */
  seriesLabels(selectors: Selectors, range: TimeBounds, of: LabelsOf, limit: number): Plan {
    return { node: 'seriesLabels', selectors: copyOf(selectors), range: rangeOf(range), of, limit };
  },

  /** How many series there are by metric, label and value; at most `limit` entries of each list. */
  seriesCardinality(range: TimeBounds, limit: number): Plan {
    return { node: 'seriesCardinality', range: rangeOf(range), limit };
  },

  /** Exemplars of the series that match any of the selectors. */
  exemplars(selectors: Selectors, range: TimeBounds): Plan {
    return { node: 'exemplars', selectors: copyOf(selectors), range: rangeOf(range) };
  },

  /** Type, help and unit of one metric or of all; at most `limit` names with `perMetric` descriptions each. */
  metricMetadata(metric: string | null, limit: number, perMetric: number): Plan {
    return { node: 'metricMetadata', metric, limit, perMetric };
  },

  /** Names of attributes of spans for which `filter` is true; at most `limit` of each scope. */
  spanTags(scope: AttributeScope | null, filter: FieldExpr | null, range: TimeBounds, limit: number): Plan {
    return { node: 'spanTags', scope, filter, range: rangeOf(range), limit };
  },

  /** Values of a field of spans for which `filter` is true; at most `limit`. */
  spanTagValues(field: Field, filter: FieldExpr | null, range: TimeBounds, limit: number): Plan {
    return { node: 'spanTagValues', field, filter, range: rangeOf(range), limit };
  },
};

function rangeOf({ from, to }: TimeBounds): TimeRange {
  return { from: from.toString(), to: to.toString() };
}

function copyOf(selectors: Selectors): LabelMatcher[][] {
  return selectors.map((matchers) => [...matchers]);
}
