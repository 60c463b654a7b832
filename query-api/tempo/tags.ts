import { type AttributeScope, type Field, lookup, QueryTextError, traceql } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, get, type Route } from '../api.ts';
import { badParameter } from '../errors.ts';
import type { TempoOptions } from '../options.ts';
import { encodedAnswer, jsonAnswer } from './answers.ts';
import { parseListBounds, parseListLimit, parseTagsLimit, parseUnsigned } from './params.ts';

type Version = 'tempoV1' | 'tempoV2';

/** Names and values of attributes, for editors. */
export function tagRoutes(options: TempoOptions): readonly Route[] {
  return [
    {
      methods: get,
      path: '/api/search/tags',
      handle: async (call) => await tagNames(call, options, 'tempoV1'),
    },
    {
      methods: get,
      path: '/api/v2/search/tags',
      handle: async (call) => await tagNames(call, options, 'tempoV2'),
    },
    {
      methods: get,
      path: '/api/search/tag/:tag/values',
      handle: async (call) => await tagValues(call, options, 'tempoV1'),
    },
    {
      methods: get,
      path: '/api/v2/search/tag/:tag/values',
      handle: async (call) => await tagValues(call, options, 'tempoV2'),
    },
  ];
}

async function tagNames(call: Call, { searchRecentMs }: TempoOptions, version: Version): Promise<Answer> {
  const scope = parseScope(call.params.get('scope'));
  if (scope === 'intrinsic') return intrinsicNames(version);
  const range = parseListBounds(call.params, call.now, searchRecentMs);
  const plan = lookup.spanTags(scope, conditionOf(call, version), range, parseTagsLimit(call.params));
  return encodedAnswer(await call.ask({ plan, answer: version }), 'application/json');
}

async function tagValues(call: Call, { searchRecentMs }: TempoOptions, version: Version): Promise<Answer> {
  const tag = call.pathPart('tag');
  const field = version === 'tempoV1' ? bareField(tag) : scopedField(tag);
  const range = parseListBounds(call.params, call.now, searchRecentMs);
  // How long a list may stay the same before Tempo ends its search; here each list is whole.
  parseUnsigned(call.params, 'maxStaleValues');
  const plan = lookup.spanTagValues(field, conditionOf(call, version), range, parseListLimit(call.params));
  return encodedAnswer(await call.ask({ plan, answer: version }), 'application/json');
}

/**
 * The filters that the user has so far; an unfinished query narrows by its finished parts. Version 1 is older
 * than they are.
 */
function conditionOf({ params }: Call, version: Version): ReturnType<typeof traceql.condition> {
  const text = params.get('q');
  return text === '' || version === 'tempoV1' ? null : traceql.condition(text);
}

function parseScope(text: string): AttributeScope | 'intrinsic' | null {
  switch (text) {
    case '':
    case 'none':
      return null;
    case 'resource':
    case 'span':
    case 'event':
    case 'link':
    case 'instrumentation':
    case 'intrinsic':
      return text;
    default:
      throw badParameter(`invalid scope: ${text}`);
  }
}

function scopedField(tag: string): Field {
  try {
    return traceql.field(tag);
  } catch (error) {
    if (!(error instanceof QueryTextError)) throw error;
    throw badParameter(`please provide a valid tagName: failed to parse identifier ${tag}: ${error.message}`);
  }
}

/** Version 1 takes the oldest intrinsics by name, and attributes without a scope. */
function bareField(tag: string): Field {
  if (bareIntrinsics.has(tag)) return traceql.field(tag);
  return { kind: 'attribute', scope: null, name: tag, parent: false };
}

/** Every intrinsic, sorted; which there are depends on the language, not on what is stored. */
const intrinsics = [
  'duration',
  'event:name',
  'event:timeSinceStart',
  'instrumentation:name',
  'instrumentation:version',
  'kind',
  'link:spanID',
  'link:traceID',
  'name',
  'rootName',
  'rootServiceName',
  'span:duration',
  'span:id',
  'span:kind',
  'span:name',
  'span:parentID',
  'span:status',
  'span:statusMessage',
  'status',
  'statusMessage',
  'trace:duration',
  'trace:id',
  'trace:rootName',
  'trace:rootService',
  'traceDuration',
] as const;

const bareIntrinsics: ReadonlySet<string> = new Set([
  'duration',
  'name',
  'rootName',
  'rootServiceName',
  'traceDuration',
]);

function intrinsicNames(version: Version): Answer {
  switch (version) {
    case 'tempoV1':
      return jsonAnswer({ tagNames: intrinsics, metrics: {} });
    case 'tempoV2':
      return jsonAnswer({ scopes: [{ name: 'intrinsic', tags: intrinsics }], metrics: {} });
  }
}
