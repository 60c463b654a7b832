import { type LabelMatcher, logql, lookup, type VolumeBy } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import { badParameter } from '../errors.ts';
import type { LokiOptions } from '../options.ts';
import { encodedAnswer } from './answers.ts';
import { withinLookback } from './limits.ts';
import {
  parseDirection,
  parseInterval,
  parseLimit,
  parseRange,
  parseRangeBounds,
  parseStep,
} from './params.ts';

const seriesLimitDefault = 100;

/** How much there is: streams, lines and bytes, and bytes by labels. */
export function volumeRoutes(options: LokiOptions): readonly Route[] {
  const volumeOf =
    (points: 'whole' | 'steps'): Route['handle'] =>
    async (call) =>
      await volume(call, points, options);
  return [
    {
      methods: read,
      path: '/loki/api/v1/index/stats',
      handle: async (call) => await totals(call, options),
    },
    { methods: read, path: '/loki/api/v1/index/volume', handle: volumeOf('whole') },
    { methods: read, path: '/loki/api/v1/index/volume_range', handle: volumeOf('steps') },
  ];
}

async function totals(call: Call, { lookbackMaxMs }: LokiOptions): Promise<Answer> {
  // Neither limit nor step matters here; Loki refuses bad ones all the same.
  const asked = parseRange(call.params, call.now, seriesLimitDefault);
  const range = withinLookback(asked, call.now, lookbackMaxMs);
  const matchers = logql.narrowSelector(call.params.get('query'));
  return encodedAnswer(await call.ask({ plan: lookup.logTotals(matchers, range), answer: 'loki' }));
}

async function volume(
  call: Call,
  points: 'whole' | 'steps',
  { lookbackMaxMs }: LokiOptions,
): Promise<Answer> {
  const { params, now } = call;
  const asked = parseRangeBounds(params, now);
  parseDirection(params);
  const limit = params.get('limit') === '0' ? seriesLimitDefault : parseLimit(params, seriesLimitDefault);
  const step = points === 'steps' ? parseStep(params, asked) : 0n;
  if (points === 'steps') parseInterval(params);
  const range = withinLookback(asked, now, lookbackMaxMs);
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
