import { type LabelMatcher, logql } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import { badParameter, switchedOff } from '../errors.ts';
import { quoted } from '../params.ts';
import { nanos } from '../time.ts';
import { encodedAnswer } from './answers.ts';
import { parseLimit, parseRangeBounds, parseStep } from './params.ts';

const seriesLimitDefault = 100;

/** Bytes of log lines by label values, asked as the LogQL that means the same. */
export const volumeRoutes: readonly Route[] = [
  { methods: read, path: '/loki/api/v1/index/volume', handle: async (call) => await volume(call) },
  { methods: read, path: '/loki/api/v1/index/volume_range', handle: async (call) => await volumeRange(call) },
];

async function volume(call: Call): Promise<Answer> {
  const { from, to } = parseRangeBounds(call.params, call.now);
  const limit = parseLimit(call.params, seriesLimitDefault);
  const bytes = bytesByLabels(call, to - from);
  const plan = logql.plan(`topk(${limit}, ${bytes})`, {
    kind: 'instant',
    time: to,
    limit,
    direction: 'backward',
  });
  return encodedAnswer(await call.ask({ plan, answer: 'loki' }));
}

async function volumeRange(call: Call): Promise<Answer> {
  const { from, to } = parseRangeBounds(call.params, call.now);
  const limit = parseLimit(call.params, seriesLimitDefault);
  const step = parseStep(call.params, { from, to });
  const plan = logql.plan(`topk(${limit}, ${bytesByLabels(call, step)})`, {
    kind: 'range',
    // The windows end at the steps, so the first whole one ends a step after the start.
    from: from + step,
    to,
    step,
    interval: 0n,
    limit,
    direction: 'backward',
  });
  return encodedAnswer(await call.ask({ plan, answer: 'loki' }));
}

/** `sum by (<labels>) (bytes_over_time(<selector>[<window>]))` */
function bytesByLabels({ params }: Call, windowNanos: bigint): string {
  checkAggregation(params.get('aggregateBy'));
  const matchers = logql.selector(params.get('query'));
  const targets = params.get('targetLabels');
  const labels = targets === '' ? namesOf(matchers) : targets.split(',').map((label) => label.trim());
  if (labels.length === 0) throw switchedOff('volumes of {} without targetLabels are');
  const window = `${String(wholeMilliseconds(windowNanos))}ms`;
  return `sum by (${labels.join(', ')}) (bytes_over_time(${selectorText(matchers)}[${window}]))`;
}

/** Rounded up, and at least one: LogQL has no empty windows. */
function wholeMilliseconds(length: bigint): bigint {
  const rounded = (length + nanos.millisecond - 1n) / nanos.millisecond;
  return rounded > 0n ? rounded : 1n;
}

function checkAggregation(by: string): void {
  if (by === '' || by === 'series') return;
  if (by === 'labels') throw switchedOff('volumes aggregated by label names are');
  throw badParameter('invalid aggregation option');
}

function namesOf(matchers: readonly LabelMatcher[]): string[] {
  return [...new Set(matchers.map(({ name }) => name))];
}

/** Every stream has a `service_name`, which receiving gives to those sent without one. */
const everyStream = '{service_name=~".+"}';

function selectorText(matchers: readonly LabelMatcher[]): string {
  if (matchers.length === 0) return everyStream;
  return `{${matchers.map(({ name, op, value }) => `${name}${op}${quoted(value)}`).join(', ')}}`;
}
