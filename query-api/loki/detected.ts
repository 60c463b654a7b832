import { type FieldsOf, logql, lookup } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import type { LokiOptions } from '../options.ts';
import { nanos } from '../time.ts';
import { encodedAnswer } from './answers.ts';
import { checkEntries, checkLength, checkReads, withinLookback } from './limits.ts';
import { parseLimit, parseRangeBounds, parseStep } from './params.ts';

const fieldLimitDefault = 1_000;
const lineLimitDefault = 100;
/** As Loki counts patterns; a finer step would show single lines. */
const patternStepMin = 10n * nanos.second;

/** What is found in logs by looking at them: labels, fields and patterns. */
export function detectedRoutes(options: LokiOptions): readonly Route[] {
  return [
    {
      methods: read,
      path: '/loki/api/v1/detected_labels',
      handle: async (call) => await detectedLabels(call, options),
    },
    {
      methods: read,
      path: '/loki/api/v1/detected_fields',
      handle: async (call) => await detectedFields(call, { kind: 'all' }, options),
    },
    {
      methods: read,
      path: '/loki/api/v1/detected_field/:name/values',
      handle: async (call) =>
        await detectedFields(call, { kind: 'values', name: call.pathPart('name') }, options),
    },
    {
      methods: read,
      path: '/loki/api/v1/patterns',
      handle: async (call) => await patterns(call, options),
    },
  ];
}

async function detectedLabels(call: Call, { lookbackMaxMs }: LokiOptions): Promise<Answer> {
  const range = withinLookback(parseRangeBounds(call.params, call.now), call.now, lookbackMaxMs);
  const text = call.params.get('query');
  const matchers = text === '' ? [] : logql.narrowSelector(text);
  return encodedAnswer(await call.ask({ plan: lookup.detectedLabels(matchers, range), answer: 'loki' }));
}

async function detectedFields(call: Call, of: FieldsOf, options: LokiOptions): Promise<Answer> {
  const { params } = call;
  const asked = parseRangeBounds(params, call.now);
  const range = withinLookback(asked, call.now, options.lookbackMaxMs);
  const lineLimit = parseLimit(params, lineLimitDefault, 'line_limit');
  checkEntries(lineLimit, options.entriesLimitMax);
  // `field_limit` is what older clients send.
  const limit = parseLimit(params, parseLimit(params, fieldLimitDefault, 'field_limit'));
  // Nothing is counted in steps here; Loki refuses them all the same.
  parseStep(params, asked);
  checkLength(range, options.queryLengthMaxMs);
  checkReads(params.get('query'), options);
  const input = logql.rows(params.get('query'), range);
  const plan = lookup.detectedFields(input, of, { lineLimit, limit });
  return encodedAnswer(await call.ask({ plan, answer: 'loki' }));
}

async function patterns(call: Call, options: LokiOptions): Promise<Answer> {
  const asked = parseRangeBounds(call.params, call.now);
  const step = parseStep(call.params, asked);
  const range = withinLookback(asked, call.now, options.lookbackMaxMs);
  checkLength(range, options.queryLengthMaxMs);
  checkReads(call.params.get('query'), options);
  const input = logql.rows(call.params.get('query'), range);
  const plan = lookup.logPatterns(input, step < patternStepMin ? patternStepMin : step);
  return encodedAnswer(await call.ask({ plan, answer: 'loki' }));
}
