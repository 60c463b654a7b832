import { logql } from '../../search/index.ts';
import type { QueryAnswer } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import { badParameter } from '../errors.ts';
import type { LokiOptions } from '../options.ts';
import { nanos } from '../time.ts';
import { jsonAnswer } from './answers.ts';
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
  const question = lineQuestion(call, { text, range, answer: 'loki' }, options);
  return question === undefined
    ? jsonAnswer({ streams: [], stats: {} })
    : legacyStreams(await call.ask(question));
}

interface Streams {
  readonly data: {
    readonly result: readonly {
      readonly stream: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [string, string])[];
    }[];
    readonly stats: unknown;
  };
}

/**
 * Streams in the form of then. Made here and not in native code, line by line, as nothing new asks for them: at
 * most `query.loki_entries_limit_max` of them.
 */
function legacyStreams({ body }: QueryAnswer): Answer {
  const { data } = JSON.parse(body.toString()) as Streams;
  const streams = data.result.map(({ stream, values: entries }) => ({
    labels: `{${Object.entries(stream)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(', ')}}`,
    entries: entries.map(([time, line]) => ({ ts: rfc3339(BigInt(time)), line })),
  }));
  return jsonAnswer({ stats: data.stats, streams });
}

/** `2026-11-23T12:00:00.25Z`: to the nanosecond, without zeros at the end. */
function rfc3339(instant: bigint): string {
  const fraction = ((instant % nanos.second) + nanos.second) % nanos.second;
  const whole = new Date(Number((instant - fraction) / nanos.millisecond)).toISOString().slice(0, -5);
  const digits = fraction.toString().padStart(9, '0').replace(/0+$/, '');
  return `${whole}${digits === '' ? '' : `.${digits}`}Z`;
}
