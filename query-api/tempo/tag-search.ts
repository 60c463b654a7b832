import { badParameter } from '../errors.ts';
import { quoted } from '../params.ts';

/** Tempo's search before TraceQL: logfmt pairs, and bounds of the duration in nanoseconds. */
export interface TagSearch {
  readonly tags: string;
  readonly durationMin: bigint | undefined;
  readonly durationMax: bigint | undefined;
}

/**
 * The TraceQL that finds the same traces: each pair is met by one of the spans or its resource, the
 * bounds by the trace's duration. Values are texts; the fields that Tempo has columns for need only
 * hold them.
 *
 * @throws Refused badParameter when `tags` is not logfmt
 */
export function traceqlOfTags({ tags, durationMin, durationMax }: TagSearch): string {
  const conditions = [...pairsOf(tags)].map(([name, value]) => conditionOf(name, value));
  if (durationMin !== undefined) conditions.push(`traceDuration >= ${String(durationMin)}ns`);
  if (durationMax !== undefined) conditions.push(`traceDuration <= ${String(durationMax)}ns`);
  return conditions.length === 0 ? '{ }' : conditions.map((condition) => `{ ${condition} }`).join(' && ');
}

const pair = /\s*([^\s="]+)(?:=("(?:[^"\\]|\\.)*"|[^\s="]*))?(?=\s|$)/y;

/** logfmt; a key alone has the empty value. */
function pairsOf(tags: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  const text = tags.trimEnd();
  pair.lastIndex = 0;
  while (pair.lastIndex < text.length) {
    const at = pair.lastIndex;
    const found = pair.exec(text);
    if (found === null)
      throw badParameter(`invalid tags: no key=value at position ${at + 1} of ${quoted(tags)}`);
    const [, name = '', value = ''] = found;
    if (pairs.has(name)) throw badParameter(`invalid tags: tag ${name} has been set twice`);
    pairs.set(name, value.startsWith('"') ? unquoted(value) : value);
  }
  return pairs;
}

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_whole, character: string) => character);
}

/** Fields of which a part is enough, by the names of the older search. */
const partial: ReadonlyMap<string, string> = new Map([
  ['name', 'name'],
  ['root.name', 'rootName'],
  ['root.service.name', 'rootServiceName'],
  ...['service.name', 'cluster', 'namespace', 'pod', 'container'].map(
    (name) => [name, `resource.${name}`] as const,
  ),
  ...['http.method', 'http.url'].map((name) => [name, `span.${name}`] as const),
]);

const statuses: ReadonlySet<string> = new Set(['ok', 'error', 'unset']);

function conditionOf(name: string, value: string): string {
  const field = partial.get(name);
  // Nothing is a part of everything, also of what is not there.
  if (field !== undefined && value === '') return 'true';
  if (field !== undefined) return `${field} =~ ${quoted(`.*${escaped(value)}.*`)}`;
  if (name === 'status.code' && statuses.has(value)) return `status = ${value}`;
  if (name === 'http.status_code' && /^\d+$/.test(value)) return `span.http.status_code = ${value}`;
  // The resource's attribute counts beside the span's own.
  const attribute = /^[A-Za-z_][\w.\-/]*$/.test(name) ? name : quoted(name);
  return `span.${attribute} = ${quoted(value)} || resource.${attribute} = ${quoted(value)}`;
}

/** A text as a regular expression that matches it. */
function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
