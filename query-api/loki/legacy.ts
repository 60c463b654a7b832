import { logql } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import { badParameter } from '../errors.ts';
import type { LokiOptions } from '../options.ts';
import { encodedAnswer, jsonAnswer } from './answers.ts';
import { labelHandlers } from './labels.ts';
import { parseRange, queryWithFilter } from './params.ts';
import { lineQuestion } from './query.ts';

/** The paths of before Loki 1.0, deprecated there too; its push and tail have theirs beside the new ones. */
export function legacyRoutes(options: LokiOptions): readonly Route[] {
  const labels = labelHandlers(options);
  return [
    {
      methods: read,
      path: '/api/prom/query',
      handle: async (call) => await lines(call, options),
    },
    { methods: read, path: '/api/prom/label', handle: async (call) => values(await labels.names(call)) },
    {
      methods: read,
      path: '/api/prom/label/:name/values',
      handle: async (call) => values(await labels.values(call)),
    },
    { methods: read, path: '/api/prom/series', handle: labels.sets },
  ];
}

const envelope = Buffer.from('{"status":"success","data":');
const legacyEnvelope = Buffer.from('{"values":');

/** The same list in the envelope of then. */
function values(answer: Answer): Answer {
  return { ...answer, body: Buffer.concat([legacyEnvelope, answer.body.subarray(envelope.length)]) };
}

async function lines(call: Call, options: LokiOptions): Promise<Answer> {
  const { params } = call;
  const range = parseRange(params, call.now, options.entriesLimitDefault);
  const text = queryWithFilter(params);
  if (logql.isMetric(text)) throw badParameter('legacy endpoints only support streams result type');
  const question = lineQuestion(call, { text, range, answer: 'lokiLegacy' }, options);
  return question === undefined
    ? jsonAnswer({ streams: [], stats: {} })
    : encodedAnswer(await call.ask(question));
}
