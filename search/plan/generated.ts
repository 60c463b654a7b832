// Generated from native/query/src/plan by `npm run generate`; do not edit.

/**
 * How a group of series becomes one (or some); names are PromQL's.
 */
export type AggregateOp =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'quantile'
  | 'count_values'
  | 'limitk'
  | 'limit_ratio'
  | 'sort'
  | 'sort_desc';

/**
 * The form of the answer's bytes; each is a whole response body.
 */
export type AnswerFormat =
  | 'loki'
  | 'lokiCategorized'
  | 'lokiLegacy'
  | 'prometheus'
  | 'tempoV1'
  | 'tempoV2'
  | 'tempoV1Protobuf'
  | 'tempoV2Protobuf';

/**
 * As of when rows are read: what was appended later is not seen.
 */
export type AsOf = { position: string } | { timeMs: number };

/**
 * Where an attribute belongs.
 */
export type AttributeScope = 'resource' | 'span' | 'event' | 'link' | 'instrumentation';

/**
 * A binary operator of the series languages.
 */
export type BinaryOp =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^'
  | 'atan2'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'and'
  | 'or'
  | 'unless'
  | '</'
  | '>/';

/**
 * Past any of these the query ends with an error that names which, its value, and the setting.
 */
export type Budget = {
  /**
   * Wall time from the start of execution.
   */
  deadlineMs: number;
  /**
   * Bytes held at once by the query's own state (groups, series, rows kept), roughly counted.
   */
  memoryMaxBytes: number;
  /**
   * Series (or streams, or traces under evaluation) held at once.
   */
  seriesMax: number;
  /**
   * Samples loaded into memory by one query.
   */
  samplesMax: number;
};

/**
 * A comparison of numbers or ordered values.
 */
export type CompareOp = '==' | '!=' | '<' | '<=' | '>' | '>=';

/**
 * Whose rules count where the series languages differ.
 */
export type Dialect = 'loki' | 'prometheus';

/**
 * Which end of time comes first.
 */
export type Direction = 'forward' | 'backward';

/**
 * How the edges of a window are found.
 */
export type Edges = 'anchored' | 'smoothed';

/**
 * What the edges of a window are, where samples do not lie on them.
 */
export type Extension = {
  /**
   * How they are found.
   */
  edges: Edges;
  /**
   * How far from the edge samples are looked for.
   */
  reach: Nanos;
};

/**
 * A label and where its value is found.
 */
export type Extraction = {
  /**
   * The new label.
   */
  label: string;
  /**
   * Where.
   */
  path: string;
};

/**
 * Something a span has.
 */
export type Field =
  | {
      kind: 'attribute';
      /**
       * Where.
       */
      scope: AttributeScope | null;
      /**
       * Its name as sent.
       */
      name: string;
      /**
       * Of the parent span (`parent.…`).
       */
      parent: boolean;
    }
  | {
      kind: 'intrinsic';
      /**
       * Which.
       */
      name: Intrinsic;
    };

/**
 * An expression over one span's fields.
 */
export type FieldExpr =
  | {
      kind: 'field';
      /**
       * Which.
       */
      field: Field;
    }
  | {
      kind: 'static';
      /**
       * Which.
       */
      value: Static;
    }
  | {
      kind: 'binary';
      /**
       * The operator.
       */
      op: FieldOp;
      /**
       * One.
       */
      left: FieldExpr;
      /**
       * The other.
       */
      right: FieldExpr;
    }
  | {
      kind: 'not';
      /**
       * Of what.
       */
      input: FieldExpr;
    }
  | {
      kind: 'negate';
      /**
       * Of what.
       */
      input: FieldExpr;
    };

/**
 * An operator between span fields.
 */
export type FieldOp =
  | '='
  | '!='
  | '=~'
  | '!~'
  | '<'
  | '<='
  | '>'
  | '>='
  | '&&'
  | '||'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^';

/**
 * What is asked of detected fields.
 */
export type FieldsOf =
  | { kind: 'all' }
  | {
      kind: 'values';
      /**
       * Its name.
       */
      name: string;
    };

/**
 * A function of instant vectors and scalars; names are PromQL's.
 */
export type Function =
  | 'abs'
  | 'ceil'
  | 'floor'
  | 'round'
  | 'exp'
  | 'ln'
  | 'log2'
  | 'log10'
  | 'sqrt'
  | 'sgn'
  | 'clamp'
  | 'clamp_min'
  | 'clamp_max'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'asinh'
  | 'acosh'
  | 'atanh'
  | 'deg'
  | 'rad'
  | 'pi'
  | 'time'
  | 'timestamp'
  | 'scalar'
  | 'vector'
  | 'minute'
  | 'hour'
  | 'day_of_month'
  | 'day_of_week'
  | 'day_of_year'
  | 'days_in_month'
  | 'month'
  | 'year'
  | 'sort'
  | 'sort_desc'
  | 'sort_by_label'
  | 'sort_by_label_desc'
  | 'histogram_quantile'
  | 'histogram_quantiles'
  | 'histogram_fraction'
  | 'histogram_count'
  | 'histogram_sum'
  | 'histogram_avg'
  | 'histogram_stddev'
  | 'histogram_stdvar';

/**
 * Labels that make groups.
 */
export type Grouping = {
  /**
   * `true`: all labels but these (`without`); `false`: these (`by`).
   */
  without: boolean;
  /**
   * The labels.
   */
  labels: Array<string>;
};

/**
 * Intervals of one length, each open at its start and closed at its end.
 */
export type Intervals = {
  /**
   * The start of the first; spans that start then are not in it.
   */
  from: Nanos;
  /**
   * The end of the last.
   */
  to: Nanos;
  /**
   * The length of each; 0 for one that is the whole range, and an answer of one value a series.
   */
  step: Nanos;
};

/**
 * TraceQL's intrinsic fields.
 */
export type Intrinsic =
  | 'duration'
  | 'name'
  | 'kind'
  | 'status'
  | 'statusMessage'
  | 'spanId'
  | 'parentId'
  | 'childCount'
  | 'nestedSetLeft'
  | 'nestedSetRight'
  | 'nestedSetParent'
  | 'traceId'
  | 'traceDuration'
  | 'rootName'
  | 'rootServiceName'
  | 'eventName'
  | 'eventTimeSinceStart'
  | 'linkTraceId'
  | 'linkSpanId'
  | 'instrumentationName'
  | 'instrumentationVersion';

/**
 * A name and its value.
 */
export type Label = {
  /**
   * The name.
   */
  name: string;
  /**
   * The value.
   */
  value: string;
};

/**
 * A condition on an entry's labels after the stages before it. A label that is not there has
 * the value `""`.
 */
export type LabelFilterExpr =
  | {
      kind: 'and';
      /**
       * One.
       */
      left: LabelFilterExpr;
      /**
       * The other.
       */
      right: LabelFilterExpr;
    }
  | {
      kind: 'or';
      /**
       * One.
       */
      left: LabelFilterExpr;
      /**
       * The other.
       */
      right: LabelFilterExpr;
    }
  | {
      kind: 'text';
      /**
       * The label and how.
       */
      matcher: LabelMatcher;
    }
  | {
      kind: 'words';
      /**
       * The label.
       */
      name: string;
      /**
       * None of the tests may hold.
       */
      negated: boolean;
      /**
       * Upper and lower case are the same.
       */
      ignoresCase: boolean;
      /**
       * One of them holds.
       */
      tests: Array<WordTest>;
    }
  | {
      kind: 'number';
      /**
       * The label.
       */
      name: string;
      /**
       * How.
       */
      op: CompareOp;
      /**
       * How label values are read, and in which unit `value` is.
       */
      unit: NumberUnit;
      /**
       * With what.
       */
      value: number;
    }
  | {
      kind: 'ip';
      /**
       * The label.
       */
      name: string;
      /**
       * `!=`: none may be in the range.
       */
      negated: boolean;
      /**
       * An address, `a/24` or `a-b`.
       */
      range: string;
    };

/**
 * A label that is set by `label_format`.
 */
export type LabelFormat = {
  /**
   * The label.
   */
  to: string;
  /**
   * Where its value comes from.
   */
  from: LabelSource;
};

/**
 * A condition on one label of a set; a label that is not there has the value `""`.
 */
export type LabelMatcher = {
  /**
   * The label.
   */
  name: string;
  /**
   * How it is compared.
   */
  op: MatchOp;
  /**
   * With what; a regular expression is anchored at both ends.
   */
  value: string;
};

/**
 * A label, perhaps only with certain values.
 */
export type LabelPick = {
  /**
   * The label.
   */
  name: string;
  /**
   * Only where its value compares so.
   */
  matches: ValueMatch | null;
};

/**
 * Where `label_format` takes a value.
 */
export type LabelSource = { kind: 'label'; text: string } | { kind: 'template'; text: string };

/**
 * Which part of the matching label sets is asked for.
 */
export type LabelsOf =
  | { kind: 'names' }
  | {
      kind: 'values';
      /**
       * Whose.
       */
      name: string;
    }
  | { kind: 'sets' };

/**
 * How a line filter compares.
 */
export type LineFilterOp = '|=' | '!=' | '|~' | '!~' | '|>' | '!>';

/**
 * What a line filter looks for.
 */
export type LinePattern = {
  /**
   * The text, expression, line pattern or range of addresses.
   */
  text: string;
  /**
   * `ip("…")`: an address, `a/24` or `a-b`; the line must hold an address of it.
   */
  ip: boolean;
};

/**
 * Log rows: a scan, then stages in order.
 */
export type LogRows = {
  /**
   * Which rows are read.
   */
  scan: LogScan;
  /**
   * What happens to each, in order.
   */
  stages: Array<Stage>;
};

/**
 * The rows of streams that match.
 */
export type LogScan = {
  /**
   * All must hold of the stream's labels.
   */
  matchers: Array<LabelMatcher>;
  /**
   * When; under a [`SeriesExpr::LogWindow`] the executor derives it from steps and window, and
   * this is `None`.
   */
  range: TimeRange | null;
};

/**
 * What a window of log rows becomes; names are LogQL's.
 */
export type LogWindowFunction =
  | 'rate'
  | 'count_over_time'
  | 'bytes_rate'
  | 'bytes_over_time'
  | 'rate_counter'
  | 'avg_over_time'
  | 'sum_over_time'
  | 'min_over_time'
  | 'max_over_time'
  | 'stddev_over_time'
  | 'stdvar_over_time'
  | 'quantile_over_time'
  | 'first_over_time'
  | 'last_over_time';

/**
 * How many series may match each other.
 */
export type MatchCardinality = 'oneToOne' | 'manyToOne' | 'oneToMany' | 'manyToMany';

/**
 * How a text is compared.
 */
export type MatchOp = '=' | '!=' | '=~' | '!~';

/**
 * `on`/`ignoring` and `group_left`/`group_right`.
 */
export type Matching = {
  /**
   * `true`: compare these labels (`on`); `false`: all but these (`ignoring`).
   */
  on: boolean;
  /**
   * The labels.
   */
  labels: Array<string>;
  /**
   * Which side may have several series per match.
   */
  cardinality: MatchCardinality;
  /**
   * Labels taken over from the side with one series per match.
   */
  include: Array<string>;
  /**
   * What stands for a series that the left side lacks, as in `SeriesExpr::Number`.
   */
  fillLeft?: string;
  /**
   * What stands for a series that the right side lacks.
   */
  fillRight?: string;
};

/**
 * Nanoseconds, as a point in time since 1970 or as a length; a decimal string in JSON.
 */
export type Nanos = string;

/**
 * Where in the query's text the notes of a node point to, each as `line:column`.
 */
export type NotePlace = {
  /**
   * What is computed with.
   */
  input: string;
  /**
   * The quantile or ratio.
   */
  param: string;
};

/**
 * How label values are read as numbers.
 */
export type NumberUnit = 'plain' | 'seconds' | 'bytes';

/**
 * How a line becomes labels.
 */
export type Parser =
  | {
      kind: 'json';
      /**
       * `label` = path into the object, e.g. `client.geo["city name"]`, `list[0]`.
       */
      expressions: Array<Extraction>;
    }
  | {
      kind: 'logfmt';
      /**
       * A pair that is not one is an error, not skipped.
       */
      strict: boolean;
      /**
       * A key without a value gives an empty label instead of none.
       */
      keepEmpty: boolean;
      /**
       * `label` = key.
       */
      expressions: Array<Extraction>;
    }
  | {
      kind: 'regexp';
      /**
       * With `(?P<label>…)`.
       */
      expression: string;
    }
  | {
      kind: 'pattern';
      /**
       * E.g. `<ip> - <_> "<method> <path>"`.
       */
      expression: string;
    }
  | { kind: 'unpack' };

/**
 * What a query asks for, by the kind of its answer.
 */
export type Plan =
  | {
      node: 'logRows';
      /**
       * Which rows, and what happens to each.
       */
      input: LogRows;
      /**
       * The most lines over all streams.
       */
      limit: number;
      /**
       * Which end comes first.
       */
      direction: Direction;
      /**
       * At most one line, of whichever stream, in each interval of this length; 0 for all.
       */
      interval: Nanos;
    }
  | {
      node: 'series';
      /**
       * The expression.
       */
      expr: SeriesExpr;
      /**
       * When it is evaluated.
       */
      steps: Steps;
      /**
       * Whose rules decide where the languages differ (division by zero, sorting, names).
       */
      dialect: Dialect;
    }
  | {
      node: 'samples';
      /**
       * Which series, and moved how in time.
       */
      select: SampleSelect;
      /**
       * Those after `time - range`, and up to `time`.
       */
      range: Nanos;
      /**
       * When.
       */
      time: Nanos;
    }
  | {
      node: 'traceSearch';
      /**
       * Which spans of a trace match.
       */
      spanset: SpansetExpr;
      /**
       * Only traces with a span in here.
       */
      range: TimeRange;
      /**
       * The most traces.
       */
      limit: number;
      /**
       * The most spans listed of each span set; 0 for all.
       */
      spansPerSet: number;
      /**
       * Fields shown with each listed span, in the order of their first mention.
       */
      select: Array<Field>;
      /**
       * Whether only whole traces are told of, and not which of their spans match.
       */
      summariesOnly: boolean;
    }
  | {
      node: 'spanSeries';
      /**
       * The expression.
       */
      expr: SpanSeriesExpr;
      /**
       * When it is evaluated.
       */
      intervals: Intervals;
      /**
       * The most exemplars of all series together.
       */
      exemplars: number;
      /**
       * The most series; with more the answer has so many and says so.
       */
      limit: number;
    }
  | {
      node: 'traceById';
      /**
       * 32 lower-case hex digits.
       */
      traceId: string;
      /**
       * Where to look, when the client says so; everywhere otherwise.
       */
      range: TimeRange | null;
      /**
       * Which of its spans; all of them without.
       */
      spans: SpanSelection | null;
    }
  | {
      node: 'streamLabels';
      /**
       * Which streams: those that match any of these selectors; none means all.
       */
      selectors: Array<Array<LabelMatcher>>;
      /**
       * Streams with a line in here.
       */
      range: TimeRange;
      /**
       * What of them.
       */
      of: LabelsOf;
    }
  | {
      node: 'logTotals';
      /**
       * Which streams; none means all.
       */
      matchers: Array<LabelMatcher>;
      /**
       * When.
       */
      range: TimeRange;
    }
  | {
      node: 'logVolume';
      /**
       * Which streams; none means all.
       */
      matchers: Array<LabelMatcher>;
      /**
       * When.
       */
      range: TimeRange;
      /**
       * By what.
       */
      by: VolumeBy;
      /**
       * The length of a step; 0 for one that is the whole range.
       */
      step: Nanos;
      /**
       * The most series.
       */
      limit: number;
    }
  | {
      node: 'detectedLabels';
      /**
       * Which streams; none means all.
       */
      matchers: Array<LabelMatcher>;
      /**
       * Streams with a line in here.
       */
      range: TimeRange;
    }
  | {
      node: 'detectedFields';
      /**
       * Which lines.
       */
      input: LogRows;
      /**
       * How many lines are looked at.
       */
      lineLimit: number;
      /**
       * All fields, or the values of one.
       */
      of: FieldsOf;
      /**
       * The most fields, or values.
       */
      limit: number;
    }
  | {
      node: 'logPatterns';
      /**
       * Which lines.
       */
      input: LogRows;
      /**
       * The length of a step; counts stand at multiples of it.
       */
      step: Nanos;
    }
  | {
      node: 'logSearch';
      /**
       * Of which streams, and when.
       */
      input: LogScan;
      /**
       * The words.
       */
      query: TextExpr;
      /**
       * Which lines come first.
       */
      order: SearchOrder;
      /**
       * The most lines.
       */
      limit: number;
    }
  | {
      node: 'logTail';
      /**
       * Which lines. The range counts only for the first answer.
       */
      input: LogRows;
      /**
       * Where the last answer ended, as it told; `None` for the first.
       */
      after: string | null;
      /**
       * The most lines of the first answer. In a later one, if it is not 0, older lines than these
       * newest are told as dropped.
       */
      limit: number;
    }
  | {
      node: 'seriesLabels';
      /**
       * Which series: those that match any of these selectors; none means all.
       */
      selectors: Array<Array<LabelMatcher>>;
      /**
       * Series with a sample in here.
       */
      range: TimeRange;
      /**
       * What of them.
       */
      of: LabelsOf;
      /**
       * The most entries; 0 for all. A cut is said in the answer's warnings.
       */
      limit: number;
    }
  | {
      node: 'seriesCardinality';
      /**
       * Series with a sample in here.
       */
      range: TimeRange;
      /**
       * The most entries of each list.
       */
      limit: number;
    }
  | {
      node: 'exemplars';
      /**
       * Which series: those that match any of these selectors.
       */
      selectors: Array<Array<LabelMatcher>>;
      /**
       * Exemplars with a time in here.
       */
      range: TimeRange;
    }
  | {
      node: 'metricMetadata';
      /**
       * Only this metric, if given.
       */
      metric: string | null;
      /**
       * The most names; 0 for all.
       */
      limit: number;
      /**
       * The most descriptions of one name; 0 for all.
       */
      perMetric: number;
    }
  | {
      node: 'spanTags';
      /**
       * Only this scope; every scope otherwise.
       */
      scope: AttributeScope | null;
      /**
       * Only spans that match.
       */
      filter: FieldExpr | null;
      /**
       * Where to look.
       */
      range: TimeRange;
      /**
       * The most names of each scope; 0 for all.
       */
      limit: number;
    }
  | {
      node: 'spanTagValues';
      /**
       * Whose values.
       */
      field: Field;
      /**
       * Only of spans that match.
       */
      filter: FieldExpr | null;
      /**
       * Where to look.
       */
      range: TimeRange;
      /**
       * The most values; 0 for all.
       */
      limit: number;
    };

/**
 * One question, complete: whose data, which plan, in which form to answer, and what it may cost.
 */
export type Query = {
  /**
   * One tenant, or several for a federated read (then series and streams carry `__tenant_id__`).
   */
  tenants: Array<string>;
  /**
   * What to compute.
   */
  plan: Plan;
  /**
   * How to write the answer.
   */
  answer: AnswerFormat;
  /**
   * What it may cost.
   */
  budget: Budget;
  /**
   * As of when; nothing: now.
   */
  asOf?: AsOf;
  /**
   * The most series of the answer, which says so when it has less than there are; nothing: all.
   */
  seriesLimit?: number;
  /**
   * How long it waited for its turn, in microseconds; told in the answer's statistics.
   */
  queuedUs: number;
};

/**
 * Which end of the values is kept.
 */
export type RankOp = 'topk' | 'bottomk';

/**
 * Which series' samples, and moved how in time.
 */
export type SampleSelect = {
  /**
   * All must hold; the metric's name is the label `__name__`.
   */
  matchers: Array<LabelMatcher>;
  /**
   * How far back samples are taken; negative for the future.
   */
  offset: Nanos;
  /**
   * A fixed evaluation time instead of the step's (`@ 1700000000`, `@ start()`, `@ end()`).
   */
  at: Nanos | null;
  /**
   * Whether samples beyond the window's edges count.
   */
  extension: Extension | null;
};

/**
 * Which lines come first.
 */
export type SearchOrder = 'score' | 'newest';

/**
 * Values over time by label set, or a single value over time (a scalar).
 */
export type SeriesExpr =
  | {
      node: 'number';
      /**
       * As `f64::from_str` reads it: `1.5`, `NaN`, `inf`, `-inf`.
       */
      value: string;
    }
  | {
      node: 'text';
      /**
       * The string.
       */
      value: string;
    }
  | {
      node: 'selector';
      /**
       * Which series and when.
       */
      select: SampleSelect;
      /**
       * How old a sample may be.
       */
      lookback: Nanos;
      /**
       * For what the user is told of it.
       */
      place?: NotePlace;
    }
  | {
      node: 'window';
      /**
       * Which series and when.
       */
      select: SampleSelect;
      /**
       * The window's length.
       */
      range: Nanos;
      /**
       * What is computed of each window.
       */
      function: WindowFunction;
      /**
       * The function's scalar arguments, in PromQL's order without the range vector.
       */
      args: Array<SeriesExpr>;
      /**
       * As in `Selector`.
       */
      place?: NotePlace;
    }
  | {
      node: 'subquery';
      /**
       * Evaluated at each inner step.
       */
      input: SeriesExpr;
      /**
       * The window's length.
       */
      range: Nanos;
      /**
       * Between inner evaluations, which are aligned to multiples of it.
       */
      step: Nanos;
      /**
       * How far back the window is moved; negative moves it forward.
       */
      offset: Nanos;
      /**
       * A fixed evaluation time instead of the step's.
       */
      at: Nanos | null;
      /**
       * What is computed of each window.
       */
      function: WindowFunction;
      /**
       * As in `Window`.
       */
      args: Array<SeriesExpr>;
      /**
       * As in `Selector`.
       */
      place?: NotePlace;
    }
  | {
      node: 'logWindow';
      /**
       * Which rows.
       */
      input: LogRows;
      /**
       * What is computed.
       */
      function: LogWindowFunction;
      /**
       * The window's length.
       */
      range: Nanos;
      /**
       * How far back the window is moved; negative moves it forward.
       */
      offset: Nanos;
      /**
       * The labels that rows are grouped by; all labels otherwise.
       */
      grouping: Grouping | null;
      /**
       * Whose value counts instead of the line.
       */
      unwrap: Unwrap | null;
      /**
       * The quantile of `quantile_over_time`.
       */
      param: number | null;
    }
  | {
      node: 'aggregate';
      /**
       * What is computed of each group.
       */
      op: AggregateOp;
      /**
       * Over what.
       */
      input: SeriesExpr;
      /**
       * Which labels make a group; without it, one group.
       */
      grouping: Grouping | null;
      /**
       * `k` of topk and bottomk, the quantile, or the label's name of `count_values`.
       */
      param: SeriesExpr | null;
      /**
       * As in `Selector`.
       */
      place?: NotePlace;
    }
  | {
      node: 'binary';
      /**
       * The operator.
       */
      op: BinaryOp;
      /**
       * One side.
       */
      left: SeriesExpr;
      /**
       * The other.
       */
      right: SeriesExpr;
      /**
       * `bool`: comparisons give 0 or 1 instead of filtering.
       */
      returnBool: boolean;
      /**
       * How series of both sides find each other.
       */
      matching: Matching | null;
      /**
       * As in `Selector`.
       */
      place?: NotePlace;
    }
  | {
      node: 'negate';
      /**
       * Of what.
       */
      input: SeriesExpr;
    }
  | {
      node: 'call';
      /**
       * Which.
       */
      function: Function;
      /**
       * In the language's order.
       */
      args: Array<SeriesExpr>;
      /**
       * As in `Selector`.
       */
      place?: NotePlace;
    }
  | {
      node: 'labelReplace';
      /**
       * The series.
       */
      input: SeriesExpr;
      /**
       * The label that is set.
       */
      to: string;
      /**
       * What it is set to, with `$1` and `${name}`.
       */
      replacement: string;
      /**
       * The label that is read.
       */
      from: string;
      /**
       * Anchored at both ends.
       */
      regex: string;
    }
  | {
      node: 'labelJoin';
      /**
       * The series.
       */
      input: SeriesExpr;
      /**
       * The label that is set.
       */
      to: string;
      /**
       * Between the values.
       */
      separator: string;
      /**
       * The labels that are read.
       */
      from: Array<string>;
    }
  | {
      node: 'info';
      /**
       * The series.
       */
      input: SeriesExpr;
      /**
       * The info series. Labels that its matchers name are the only ones that are taken over.
       */
      select: SampleSelect;
      /**
       * How old a sample may be.
       */
      lookback: Nanos;
    }
  | {
      node: 'absent';
      /**
       * What may be missing.
       */
      input: SeriesExpr;
      /**
       * The labels of the answer, from the equality matchers.
       */
      labels: Array<Label>;
    };

/**
 * A function over spans.
 */
export type SpanFunction =
  | { name: 'rate' }
  | { name: 'count_over_time' }
  | { name: 'min_over_time'; of: Field }
  | { name: 'max_over_time'; of: Field }
  | { name: 'sum_over_time'; of: Field }
  | { name: 'avg_over_time'; of: Field }
  | { name: 'quantile_over_time'; of: Field; quantiles: Array<string> }
  | { name: 'histogram_over_time'; of: Field };

/**
 * What spans are grouped by.
 */
export type SpanGroup = {
  /**
   * Whose values.
   */
  field: Field;
  /**
   * The label's name: the field as Tempo writes it.
   */
  label: string;
};

/**
 * A span's kind; the numbers are OTLP's.
 */
export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/**
 * Spans of one trace that match, and those around them.
 */
export type SpanSelection = {
  /**
   * Which match; every span without.
   */
  condition: FieldExpr | null;
  /**
   * How many levels above each matching span are kept as well; all without.
   */
  above: number | null;
  /**
   * How many levels below each matching span are kept as well; all without.
   */
  below: number | null;
};

/**
 * Values of groups of spans over time.
 */
export type SpanSeriesExpr =
  | {
      node: 'window';
      /**
       * Which spans.
       */
      input: SpansetExpr;
      /**
       * What is computed of them.
       */
      function: SpanFunction;
      /**
       * What they are grouped by; none for one group.
       */
      by: Array<SpanGroup>;
    }
  | {
      node: 'compare';
      /**
       * Which spans.
       */
      input: SpansetExpr;
      /**
       * Those that are selected; all for none.
       */
      selection: FieldExpr | null;
      /**
       * The most values of each attribute.
       */
      top: number;
      /**
       * Only spans that start after this are selected; with `to` 0 at any time.
       */
      from: Nanos;
      /**
       * And at this or before.
       */
      to: Nanos;
    }
  | {
      node: 'rank';
      /**
       * Of what.
       */
      input: SpanSeriesExpr;
      /**
       * Which end.
       */
      op: RankOp;
      /**
       * How many.
       */
      count: number;
    }
  | {
      node: 'filter';
      /**
       * Of what.
       */
      input: SpanSeriesExpr;
      /**
       * How it is compared.
       */
      op: CompareOp;
      /**
       * With what, as `f64::from_str` reads it.
       */
      value: string;
    }
  | {
      node: 'scale';
      /**
       * Of what.
       */
      input: SpanSeriesExpr;
      /**
       * How they are combined.
       */
      op: SpanSeriesOp;
      /**
       * The constant, as `f64::from_str` reads it.
       */
      value: string;
      /**
       * Whether the constant is the left operand.
       */
      constantLeft: boolean;
    }
  | {
      node: 'binary';
      /**
       * How they are combined.
       */
      op: SpanSeriesOp;
      /**
       * One.
       */
      left: SpanSeriesExpr;
      /**
       * The other.
       */
      right: SpanSeriesExpr;
    };

/**
 * Arithmetic between values. Division by zero gives no value.
 */
export type SpanSeriesOp = '+' | '-' | '*' | '/';

/**
 * What is computed of a span set.
 */
export type SpansetAggregate = 'count' | 'avg' | 'min' | 'max' | 'sum';

/**
 * Spans of each trace that match; evaluated on whole traces.
 */
export type SpansetExpr =
  | {
      node: 'filter';
      /**
       * The condition.
       */
      condition: FieldExpr | null;
    }
  | {
      node: 'combine';
      /**
       * Which.
       */
      op: SpansetOp;
      /**
       * One.
       */
      left: SpansetExpr;
      /**
       * The other.
       */
      right: SpansetExpr;
    }
  | {
      node: 'structural';
      /**
       * Which relation.
       */
      op: StructuralOp;
      /**
       * `!`: the right spans that do not.
       */
      negated: boolean;
      /**
       * `&`: the left side's spans that take part are kept too.
       */
      union: boolean;
      /**
       * One.
       */
      left: SpansetExpr;
      /**
       * The other.
       */
      right: SpansetExpr;
    }
  | {
      node: 'then';
      /**
       * The stage before.
       */
      input: SpansetExpr;
      /**
       * The condition.
       */
      condition: FieldExpr | null;
    }
  | {
      node: 'aggregateFilter';
      /**
       * The stage before.
       */
      input: SpansetExpr;
      /**
       * What is computed of each set.
       */
      aggregate: SpansetAggregate;
      /**
       * Of which field; none for `count`.
       */
      field: FieldExpr | null;
      /**
       * How it is compared.
       */
      op: CompareOp;
      /**
       * With what.
       */
      value: Static;
    }
  | {
      node: 'groupBy';
      /**
       * The stage before.
       */
      input: SpansetExpr;
      /**
       * The values.
       */
      by: FieldExpr;
      /**
       * As it is shown, e.g. `by(resource.service.name)`.
       */
      label: string;
    }
  | {
      node: 'coalesce';
      /**
       * The stage before.
       */
      input: SpansetExpr;
    };

/**
 * How two span sets are combined.
 */
export type SpansetOp = '&&' | '||';

/**
 * One step of a log pipeline.
 */
export type Stage =
  | {
      stage: 'lineFilter';
      /**
       * How the line is compared.
       */
      op: LineFilterOp;
      /**
       * At least one must be found (for the negated forms: none may).
       */
      patterns: Array<LinePattern>;
    }
  | {
      stage: 'labelFilter';
      /**
       * The condition.
       */
      expr: LabelFilterExpr;
    }
  | {
      stage: 'parse';
      /**
       * How the line is read.
       */
      parser: Parser;
    }
  | { stage: 'decolorize' }
  | {
      stage: 'lineFormat';
      /**
       * In Go's template language, over the labels.
       */
      template: string;
    }
  | {
      stage: 'labelFormat';
      /**
       * What is done.
       */
      formats: Array<LabelFormat>;
    }
  | {
      stage: 'drop';
      /**
       * Which.
       */
      labels: Array<LabelPick>;
    }
  | {
      stage: 'keep';
      /**
       * Which stay.
       */
      labels: Array<LabelPick>;
    };

/**
 * A constant of TraceQL.
 */
export type Static =
  | { type: 'nil' }
  | {
      type: 'string';
      /**
       * The text.
       */
      value: string;
    }
  | {
      type: 'int';
      /**
       * The number.
       */
      value: string;
    }
  | {
      type: 'float';
      /**
       * The number.
       */
      value: string;
    }
  | {
      type: 'bool';
      /**
       * Which.
       */
      value: boolean;
    }
  | {
      type: 'duration';
      /**
       * In nanoseconds.
       */
      value: Nanos;
    }
  | {
      type: 'status';
      /**
       * Which.
       */
      value: StatusCode;
    }
  | {
      type: 'kind';
      /**
       * Which.
       */
      value: SpanKind;
    };

/**
 * A span's status; the numbers are OTLP's.
 */
export type StatusCode = 'unset' | 'ok' | 'error';

/**
 * Instants at which series are evaluated: `start`, `start + step`, … up to and including `end`.
 */
export type Steps = {
  /**
   * The first instant.
   */
  start: Nanos;
  /**
   * No instant is later.
   */
  end: Nanos;
  /**
   * 0 means one instant, `start`, and an answer that is a vector or scalar.
   */
  step: Nanos;
};

/**
 * How spans of one trace stand to each other.
 */
export type StructuralOp = '>>' | '>' | '<<' | '<' | '~';

/**
 * What is searched for. Case does not count; a text is taken apart into runs of letters and digits,
 * which are found one behind the other.
 */
export type TextExpr =
  | {
      kind: 'phrase';
      /**
       * As it was written.
       */
      text: string;
    }
  | {
      kind: 'prefix';
      /**
       * As it was written.
       */
      text: string;
    }
  | {
      kind: 'fuzzy';
      /**
       * The word.
       */
      text: string;
      /**
       * At most 2.
       */
      edits: number;
    }
  | {
      kind: 'all';
      /**
       * At least one.
       */
      parts: Array<TextExpr>;
    }
  | {
      kind: 'any';
      /**
       * At least one.
       */
      parts: Array<TextExpr>;
    }
  | {
      kind: 'not';
      /**
       * What they are without.
       */
      part: TextExpr;
    };

/**
 * From `from` (included) to `to` (excluded).
 */
export type TimeRange = {
  /**
   * Included.
   */
  from: Nanos;
  /**
   * Excluded.
   */
  to: Nanos;
};

/**
 * The label whose value is a row's sample; rows without it are left out.
 */
export type Unwrap = {
  /**
   * The label. It is no part of the series' labels.
   */
  label: string;
  /**
   * How its value is read; what cannot be is an error of the row.
   */
  unit: NumberUnit;
  /**
   * Run afterwards, with that error to be seen.
   */
  filters: Array<LabelFilterExpr>;
};

/**
 * A comparison of a value with a text.
 */
export type ValueMatch = {
  /**
   * How.
   */
  op: MatchOp;
  /**
   * With what.
   */
  value: string;
};

/**
 * By what volumes are told apart.
 */
export type VolumeBy =
  | {
      kind: 'series';
      /**
       * The labels.
       */
      labels: Array<string>;
    }
  | {
      kind: 'names';
      /**
       * The labels.
       */
      labels: Array<string>;
    };

/**
 * What a window of samples becomes; names are PromQL's.
 */
export type WindowFunction =
  | 'rate'
  | 'increase'
  | 'delta'
  | 'irate'
  | 'idelta'
  | 'deriv'
  | 'predict_linear'
  | 'changes'
  | 'resets'
  | 'avg_over_time'
  | 'min_over_time'
  | 'max_over_time'
  | 'sum_over_time'
  | 'count_over_time'
  | 'quantile_over_time'
  | 'stddev_over_time'
  | 'stdvar_over_time'
  | 'mad_over_time'
  | 'last_over_time'
  | 'first_over_time'
  | 'present_over_time'
  | 'ts_of_first_over_time'
  | 'ts_of_last_over_time'
  | 'ts_of_min_over_time'
  | 'ts_of_max_over_time'
  | 'double_exponential_smoothing';

/**
 * One of the tests of [`LabelFilterExpr::Words`].
 */
export type WordTest =
  | { kind: 'any' }
  | { kind: 'notEmpty' }
  | {
      kind: 'equal';
      /**
       * It.
       */
      text: string;
    }
  | {
      kind: 'contains';
      /**
       * The word.
       */
      text: string;
    };
