import { showField } from '../traceql/fields.ts';
import { showExpr } from '../traceql/show.ts';
import { explainLogRows, explainText, matchers, seconds } from './explain-rows.ts';
import { explainSelect, explainSeries } from './explain-series.ts';
import { explainSpanSeries, explainSpanset } from './explain-spans.ts';
import type {
  FieldExpr,
  LabelMatcher,
  LabelsOf,
  Plan,
  SpanSelection,
  Steps,
  TimeRange,
} from './generated.ts';

/**
 * A plan as one line, for people and tests: what is read, what happens to it from the inside out,
 * and the limits. Times and lengths are in seconds.
 */
export function explain(plan: Plan): string {
  switch (plan.node) {
    case 'logRows': {
      const { limit, direction, interval } = plan;
      const thinned = interval === '0' ? '' : ` every ${seconds(interval)}`;
      return `logs ${explainLogRows(plan.input)} limit ${limit} ${direction}${thinned}`;
    }
    case 'series':
      return `series ${plan.dialect} ${when(plan.steps)}: ${explainSeries(plan.expr)}`;
    case 'samples': {
      const { select, range, time } = plan;
      return `samples at ${seconds(time)}: ${explainSelect(select, range)}`;
    }
    case 'traceSearch': {
      const select = plan.select.map(showField).join(', ');
      const shown = select === '' ? '' : ` select ${select}`;
      return `traces ${range(plan.range)}: ${explainSpanset(plan.spanset)}${shown} limit ${plan.limit}×${plan.spansPerSet}`;
    }
    case 'spanSeries': {
      const { from, to, step } = plan.intervals;
      const by = step === '0' ? '' : ` by ${seconds(step)}`;
      return `span series (${seconds(from)}, ${seconds(to)}]${by}: ${explainSpanSeries(plan.expr)} limit ${plan.limit}`;
    }
    case 'traceById':
      return `trace ${plan.traceId}${plan.range === null ? '' : ` ${range(plan.range)}`}${selected(plan.spans)}`;
    case 'streamLabels':
      return `stream ${labelsOf(plan.of)} ${range(plan.range)}${selectors(plan.selectors)}`;
    case 'logTotals':
      return `log totals ${matchers(plan.matchers)} ${range(plan.range)}`;
    case 'logVolume': {
      const by = plan.by.labels.length === 0 ? 'all labels' : plan.by.labels.join(', ');
      const names = plan.by.kind === 'names' ? 'names of ' : '';
      const step = plan.step === '0' ? '' : ` every ${seconds(plan.step)}`;
      return `log volume ${matchers(plan.matchers)} ${range(plan.range)} by ${names}${by}${step} limit ${plan.limit}`;
    }
    case 'detectedLabels':
      return `detected labels of ${matchers(plan.matchers)} ${range(plan.range)}`;
    case 'detectedFields': {
      const of = plan.of.kind === 'all' ? 'fields' : `values of ${plan.of.name}`;
      return `detected ${of} in ${explainLogRows(plan.input)} lines ${plan.lineLimit} limit ${plan.limit}`;
    }
    case 'logPatterns':
      return `patterns of ${explainLogRows(plan.input)} every ${seconds(plan.step)}`;
    case 'logSearch': {
      const { input, query, order, limit } = plan;
      const when = input.range === null ? '' : ` ${range(input.range)}`;
      return `search${when} of ${matchers(input.matchers)} for ${explainText(query)} by ${order} limit ${limit}`;
    }
    case 'logTail':
      return `tail of ${explainLogRows(plan.input)} after ${plan.after ?? 'the newest lines'} limit ${plan.limit}`;
    case 'seriesLabels':
      return `series ${labelsOf(plan.of)} ${range(plan.range)}${selectors(plan.selectors)} limit ${plan.limit}`;
    case 'seriesCardinality':
      return `series counts ${range(plan.range)} limit ${plan.limit}`;
    case 'exemplars':
      return `exemplars ${range(plan.range)}${selectors(plan.selectors)}`;
    case 'metricMetadata':
      return `metadata of ${plan.metric ?? 'all metrics'} limit ${plan.limit}${plan.perMetric === 0 ? '' : `×${plan.perMetric}`}`;
    case 'spanTags':
      return `span tags of ${plan.scope ?? 'all scopes'} ${range(plan.range)}${where(plan.filter)} limit ${plan.limit}`;
    case 'spanTagValues':
      return `span values of ${showField(plan.field)} ${range(plan.range)}${where(plan.filter)} limit ${plan.limit}`;
  }
}

function when({ start, end, step }: Steps): string {
  return step === '0' ? `at ${seconds(start)}` : `${seconds(start)} to ${seconds(end)} by ${seconds(step)}`;
}

function range({ from, to }: TimeRange): string {
  return `[${seconds(from)}, ${seconds(to)})`;
}

function labelsOf(of: LabelsOf): string {
  switch (of.kind) {
    case 'names':
      return 'label names';
    case 'values':
      return `values of ${of.name}`;
    case 'sets':
      return 'label sets';
  }
}

function selectors(all: readonly (readonly LabelMatcher[])[]): string {
  return all.length === 0 ? '' : ` of ${all.map(matchers).join(' or ')}`;
}

function selected(spans: SpanSelection | null): string {
  if (spans === null) return '';
  const { condition, above, below } = spans;
  return `${where(condition)} and ${above ?? 'all'} levels above, ${below ?? 'all'} below`;
}

function where(filter: FieldExpr | null): string {
  return filter === null ? '' : ` where ${showExpr(filter)}`;
}
