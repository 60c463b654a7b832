import { type LabelMatcher, logql, lookup, type VolumeBy } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import { badParameter } from '../errors.ts';
import { encodedAnswer } from './answers.ts';
import { parseLimit, parseRangeBounds, parseStep } from './params.ts';

const seriesLimitDefault = 100;

/** How much there is: streams, lines and bytes, and bytes by labels. */
export const volumeRoutes: readonly Route[] = [
  { methods: read, path: '/loki/api/v1/index/stats', handle: async (call) => await totals(call) },
  { methods: read, path: '/loki/api/v1/index/volume', handle: async (call) => await volume(call, 'whole') },
  {
    methods: read,
    path: '/loki/api/v1/index/volume_range',
    handle: async (call) => await volume(call, 'steps'),
  },
];

async function totals(call: Call): Promise<Answer> {
  const range = parseRangeBounds(call.params, call.now);
  const matchers = logql.selector(call.params.get('query'));
  return encodedAnswer(await call.ask({ plan: lookup.logTotals(matchers, range), answer: 'loki' }));
}

async function volume(call: Call, points: 'whole' | 'steps'): Promise<Answer> {
  const { params } = call;
  const range = parseRangeBounds(params, call.now);
  const limit = parseLimit(params, seriesLimitDefault);
  const step = points === 'steps' ? parseStep(params, range) : 0n;
  const kind = parseAggregation(params.get('aggregateBy'));
  const matchers = logql.selector(params.get('query'));
  const targets = labelList(params.get('targetLabels'));
  const by = { kind, labels: kind === 'series' ? (targets ?? namesOf(matchers)) : (targets ?? []) };
  const plan = lookup.logVolume(withLabels(matchers, targets ?? []), range, { by, step, limit });
  return encodedAnswer(await call.ask({ plan, answer: 'loki' }));
}

function parseAggregation(by: string): VolumeBy['kind'] {
  if (by === '' || by === 'series') return 'series';
  if (by === 'labels') return 'names';
  throw badParameter('invalid aggregation option');
}

function labelList(text: string): string[] | undefined {
  return text === '' ? undefined : text.split(',').map((label) => label.trim());
}

function namesOf(matchers: readonly LabelMatcher[]): string[] {
  return [...new Set(matchers.map(({ name }) => name))];
}

/** Streams without a label that is asked for belong to none of the answer's series. */
function withLabels(matchers: readonly LabelMatcher[], labels: readonly string[]): LabelMatcher[] {
  const missing = labels.filter((label) => !matchers.some(({ name }) => name === label));
  return [...matchers, ...missing.map((name): LabelMatcher => ({ name, op: '=~', value: '.+' }))];
}
