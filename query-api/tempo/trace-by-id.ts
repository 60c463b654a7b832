import { type AnswerFormat, lookup, parseTraceId, type TraceId } from '../../search/index.ts';
import { type Answer, textAnswer } from '../answer.ts';
import { type Call, get, type Route } from '../api.ts';
import { badParameter, notSupported } from '../errors.ts';
import { type BodyType, encodedAnswer, wantedType } from './answers.ts';
import { parseHint } from './params.ts';

export const traceRoutes: readonly Route[] = [
  { methods: get, path: '/api/v2/traces/:id', handle: async (call) => await traceV2(call) },
  { methods: get, path: '/api/traces/:id', handle: async (call) => await traceV1(call) },
];

const v1Format = {
  'application/json': 'tempoV1',
  'application/protobuf': 'tempoV1Protobuf',
} as const satisfies Record<BodyType, AnswerFormat>;

const v2Format = {
  'application/json': 'tempoV2',
  'application/protobuf': 'tempoV2Protobuf',
} as const satisfies Record<BodyType, AnswerFormat>;

/** A trace that is not there is an empty one: a 404 would make Grafana ask again at version 1. */
async function traceV2(call: Call): Promise<Answer> {
  if (call.params.get('q') !== '') throw notSupported('a filter of the spans of a trace (q) is');
  const type = wantedType(call);
  const plan = lookup.traceById(traceIdOf(call), parseHint(call.params));
  return encodedAnswer(await call.ask({ plan, answer: v2Format[type] }), type);
}

async function traceV1(call: Call): Promise<Answer> {
  const type = wantedType(call);
  const plan = lookup.traceById(traceIdOf(call), parseHint(call.params));
  const answer = await call.ask({ plan, answer: v1Format[type] });
  return answer.empty ? textAnswer(404, '') : encodedAnswer(answer, type);
}

function traceIdOf(call: Call): TraceId {
  const text = call.pathPart('id');
  if (/^[0-9a-fA-F]{33,}$/.test(text)) throw badParameter("trace IDs can't be larger than 128 bits");
  return parseTraceId(text);
}
