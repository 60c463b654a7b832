import type { SqlFormat } from '../../search/index.ts';
import type { Call } from '../api.ts';
import { badParameter, Refused } from '../errors.ts';
import { quoted } from '../params.ts';

/** What each format is called in HTTP. */
export const contentTypes = {
  json: 'application/json',
  csv: 'text/csv; charset=utf-8',
  arrow: 'application/vnd.apache.arrow.stream',
} as const satisfies Record<SqlFormat, string>;

const formats = ['json', 'csv', 'arrow'] as const satisfies readonly SqlFormat[];

/** Media types by which a format is asked for; the first of a format is its own. */
const accepted: Readonly<Record<string, SqlFormat>> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'text/csv': 'csv',
  'text/*': 'csv',
  'application/vnd.apache.arrow.stream': 'arrow',
};

/**
 * The format that the parameter `format` names, or else the one that `Accept` likes best.
 *
 * @throws Refused badParameter, notAcceptable
 */
export function formatOf({ params, headers, body }: Call): SqlFormat {
  const named = params.get('format') || jsonField(headers['content-type'], body, 'format');
  if (named !== '') {
    const format = formats.find((one) => one === named);
    if (format === undefined) throw badParameter(`format is ${quoted(named)}; it must be json, csv or arrow`);
    return format;
  }
  const { accept = '' } = headers;
  const text = typeof accept === 'string' ? accept : accept.join(',');
  if (text.trim() === '') return 'json';
  const best = mediaRanges(text).find(({ type, quality }) => quality > 0 && type in accepted);
  const format = best === undefined ? undefined : accepted[best.type];
  if (format === undefined) {
    throw new Refused(
      'notAcceptable',
      `answers are application/json, text/csv or application/vnd.apache.arrow.stream, none of which Accept names`,
    );
  }
  return format;
}

/** Media ranges of an `Accept` header, the most wanted first. */
function mediaRanges(header: string): { type: string; quality: number }[] {
  return header
    .split(',')
    .map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return { type, quality: quality === undefined ? 1 : Number(quality) || 0 };
    })
    .toSorted((one, other) => other.quality - one.quality);
}

/**
 * The statement: the body as text, the field `query` of a JSON body, or the parameter `query`.
 *
 * @throws Refused badParameter
 */
export function statementOf({ params, headers, body }: Call): string {
  const type = headers['content-type'];
  // What curl sends as --data-binary says that it is a form, and is the statement.
  const statement = params.get('query') || (isJson(type) ? jsonField(type, body, 'query') : body);
  if (statement.trim() === '')
    throw badParameter(
      'there is no statement; send it as the body, as query=… of a form, or as {"query": "…"} in JSON',
    );
  return statement;
}

type Header = string | readonly string[] | undefined;

function isJson(type: Header): boolean {
  return typeof type === 'string' && /^application\/json\b/i.test(type);
}

/** A text field of a JSON body; empty where it has none. */
function jsonField(type: Header, body: string, name: string): string {
  if (!isJson(type)) return '';
  let read: unknown;
  try {
    read = JSON.parse(body);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw badParameter(`the body is not JSON: ${why}`);
  }
  if (typeof read !== 'object' || read === null) throw badParameter('the body is JSON, but not an object');
  const value = (read as Record<string, unknown>)[name];
  if (value === undefined) return '';
  if (typeof value !== 'string') throw badParameter(`${quoted(name)} in the body is not a text`);
  return value;
}
