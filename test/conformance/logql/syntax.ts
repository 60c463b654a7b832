/** The part of LogQL that generated queries are made of, and its text. */
export type LineOp = '|=' | '!=' | '|~' | '!~';
export type TextOp = '=' | '!=' | '=~' | '!~';
export type NumberOp = '==' | '!=' | '>' | '>=' | '<' | '<=';

export type Filter =
  | { readonly kind: 'text'; readonly name: string; readonly op: TextOp; readonly value: string }
  | { readonly kind: 'number'; readonly name: string; readonly op: NumberOp; readonly value: number }
  | { readonly kind: 'and' | 'or'; readonly left: Filter; readonly right: Filter };

export type Stage =
  | { readonly kind: 'line'; readonly op: LineOp; readonly texts: readonly string[] }
  | { readonly kind: 'json' | 'logfmt' }
  | { readonly kind: 'jsonPath'; readonly label: string; readonly path: readonly string[] }
  | { readonly kind: 'filter'; readonly filter: Filter }
  | { readonly kind: 'rename'; readonly to: string; readonly from: string }
  | { readonly kind: 'lineFormat'; readonly labels: readonly string[] }
  | { readonly kind: 'drop' | 'keep'; readonly names: readonly string[] };

export interface Matcher {
  readonly name: string;
  readonly op: TextOp;
  readonly value: string;
}

export interface LogQuery {
  readonly matchers: readonly Matcher[];
  readonly stages: readonly Stage[];
}

export type LineFunction = 'count_over_time' | 'rate' | 'bytes_over_time' | 'bytes_rate';
export type SampleFunction = `${'sum' | 'avg' | 'min' | 'max' | 'first' | 'last' | 'stdvar'}_over_time`;

export interface Grouping {
  readonly without: boolean;
  readonly labels: readonly string[];
}

export interface Window {
  readonly kind: 'window';
  readonly log: LogQuery;
  readonly rangeSeconds: number;
  readonly offsetSeconds: number;
  readonly of:
    | { readonly function: LineFunction }
    | { readonly function: SampleFunction; readonly unwrap: string; readonly skipsErrors: boolean };
}

export type Metric =
  | Window
  | {
      readonly kind: 'aggregate';
      readonly op: 'sum' | 'avg' | 'min' | 'max' | 'count';
      readonly grouping: Grouping | null;
      readonly input: Window;
    }
  | {
      readonly kind: 'withNumber';
      readonly op: '+' | '*' | '>' | '<=';
      readonly input: Exclude<Metric, { kind: 'withNumber' }>;
      readonly number: number;
    };

export function showLog({ matchers, stages }: LogQuery): string {
  const selector = matchers.map(({ name, op, value }) => `${name}${op}${quoted(value)}`).join(', ');
  return [`{${selector}}`, ...stages.map(showStage)].join(' ');
}

export function showMetric(metric: Metric): string {
  switch (metric.kind) {
    case 'window':
      return showWindow(metric);
    case 'aggregate': {
      const { op, grouping, input } = metric;
      const groups =
        grouping === null ? '' : ` ${grouping.without ? 'without' : 'by'} (${grouping.labels.join(', ')})`;
      return `${op}${groups} (${showWindow(input)})`;
    }
    case 'withNumber':
      return `${showMetric(metric.input)} ${metric.op} ${metric.number}`;
  }
}

function showWindow({ log, rangeSeconds, offsetSeconds, of }: Window): string {
  const unwrap = 'unwrap' in of ? ` | unwrap ${of.unwrap}${of.skipsErrors ? ' | __error__=""' : ''}` : '';
  const offset = offsetSeconds === 0 ? '' : ` offset ${offsetSeconds}s`;
  return `${of.function}(${showLog(log)}${unwrap} [${rangeSeconds}s]${offset})`;
}

function showStage(stage: Stage): string {
  switch (stage.kind) {
    case 'line':
      return `${stage.op} ${stage.texts.map(quoted).join(' or ')}`;
    case 'json':
    case 'logfmt':
      return `| ${stage.kind}`;
    case 'jsonPath':
      return `| json ${stage.label}=${quoted(stage.path.join('.'))}`;
    case 'filter':
      return `| ${showFilter(stage.filter)}`;
    case 'rename':
      return `| label_format ${stage.to}=${stage.from}`;
    case 'lineFormat':
      return `| line_format ${quoted(stage.labels.map((name) => `{{.${name}}}`).join('-'))}`;
    case 'drop':
    case 'keep':
      return `| ${stage.kind} ${stage.names.join(', ')}`;
  }
}

function showFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'text':
      return `${filter.name}${filter.op}${quoted(filter.value)}`;
    case 'number':
      return `${filter.name} ${filter.op} ${filter.value}`;
    case 'and':
    case 'or':
      return `(${showFilter(filter.left)} ${filter.kind} ${showFilter(filter.right)})`;
  }
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
