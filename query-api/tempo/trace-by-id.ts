import {
  type AnswerFormat,
  lookup,
  parseTraceId,
  type SpanSelection,
  type TraceId,
  traceql,
} from '../../search/index.ts';
import { type Answer, textAnswer } from '../answer.ts';
import { type Call, get, type Route } from '../api.ts';
import { badParameter } from '../errors.ts';
import { type Params, parseWhole, quoted } from '../params.ts';
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
  checkWhere(call.params);
  const type = wantedType(call);
  const plan = lookup.traceById(traceIdOf(call), parseHint(call.params), parseSelection(call.params));
  return encodedAnswer(await call.ask({ plan, answer: v2Format[type] }), type);
}

async function traceV1(call: Call): Promise<Answer> {
  checkWhere(call.params);
  const type = wantedType(call);
  const plan = lookup.traceById(traceIdOf(call), parseHint(call.params));
  const answer = await call.ask({ plan, answer: v1Format[type] });
  return answer.empty ? textAnswer(404, '') : encodedAnswer(answer, type);
}

const modes: ReadonlySet<string> = new Set(['', 'all', 'ingesters', 'blocks', 'external']);
const blockId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Where Tempo would look; here is one store, but what Tempo cannot read is no better here. */
function checkWhere(params: Params): void {
  const mode = params.get('mode');
  if (!modes.has(mode)) throw badParameter(`invalid value for mode ${mode}`);
  for (const name of ['blockStart', 'blockEnd']) {
    const text = params.get(name);
    if (text !== '' && !blockId.test(text))
      throw badParameter(`invalid value for ${name}: ${quoted(text)} is no UUID`);
  }
}

/** Which spans are wanted: those that match `q`, and so many levels above and below. */
function parseSelection(params: Params): SpanSelection | null {
  const text = params.get('q').trim();
  if (text === '') return null;
  const above = parseFlag(params, 'keep_hierarchy') ? parseDepth(params, 'ancestor_depth', null) : 0;
  return { condition: traceql.spanCondition(text), above, below: parseDepth(params, 'match_depth', 0) };
}

const truths: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const untruths: ReadonlySet<string> = new Set(['', '0', 'f', 'F', 'false', 'FALSE', 'False']);

function parseFlag(params: Params, name: string): boolean {
  const text = params.get(name);
  if (truths.has(text)) return true;
  if (untruths.has(text)) return false;
  throw badParameter(`invalid value for ${name}: strconv.ParseBool: parsing ${quoted(text)}: invalid syntax`);
}

const depthMax = 2n ** 32n - 1n;

/** How many levels; null for all, which is written as -1. */
function parseDepth(params: Params, name: string, otherwise: number | null): number | null {
  const text = params.get(name);
  if (text === '') return otherwise;
  const depth = parseWhole(text);
  if (depth === undefined)
    throw badParameter(`invalid value for ${name}: strconv.Atoi: parsing ${quoted(text)}: invalid syntax`);
  if (depth < -1n) throw badParameter(`invalid value for ${name}: must be >= -1`);
  return depth === -1n || depth > depthMax ? null : Number(depth);
}

function traceIdOf(call: Call): TraceId {
  const text = call.pathPart('id');
  if (/^[0-9a-fA-F]{33,}$/.test(text)) throw badParameter("trace IDs can't be larger than 128 bits");
  return parseTraceId(text);
}
