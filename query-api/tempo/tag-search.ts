import { badParameter } from '../errors.ts';
import { quoted } from '../params.ts';

/** Tempo's search before TraceQL: logfmt pairs, and bounds of the duration in nanoseconds. */
export interface TagSearch {
  readonly tags: string;
  readonly durationMin: bigint | undefined;
  readonly durationMax: bigint | undefined;
}

/**
 * The TraceQL that finds the same spans. Values come without types, so `500` also finds the number
 * and `true` the boolean.
 *
 * @throws Refused badParameter when `tags` is not logfmt
 */
export function traceqlOfTags({ tags, durationMin, durationMax }: TagSearch): string {
  const conditions = pairsOf(tags).map(([name, value]) => conditionOf(name, value));
  if (durationMin !== undefined) conditions.push(`duration >= ${String(durationMin)}ns`);
  if (durationMax !== undefined) conditions.push(`duration <= ${String(durationMax)}ns`);
  return conditions.length === 0 ? '{ }' : `{ ${conditions.join(' && ')} }`;
}

const pair = /\s*([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)/y;

function pairsOf(tags: string): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  const text = tags.trimEnd();
  pair.lastIndex = 0;
  while (pair.lastIndex < text.length) {
    const at = pair.lastIndex;
    const found = pair.exec(text);
    if (found === null)
      throw badParameter(`invalid tags: no key=value at position ${at + 1} of ${quoted(tags)}`);
    const [, name = '', value = ''] = found;
    pairs.push([name, value.startsWith('"') ? unquoted(value) : value]);
  }
  return pairs;
}

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_whole, character: string) => character);
}

const statuses: ReadonlySet<string> = new Set(['ok', 'error', 'unset']);

function conditionOf(name: string, value: string): string {
  if (name === 'name') return `name = ${quoted(value)}`;
  if ((name === 'status' || name === 'status.code') && statuses.has(value)) return `status = ${value}`;
  // Tempo's old `error=true` meant the span's status, not only an attribute of that name.
  if (name === 'error' && value === 'true') return '(status = error || .error = true)';
  const attribute = /^[A-Za-z_][\w.\-/]*$/.test(name) ? `.${name}` : `.${quoted(name)}`;
  const asText = `${attribute} = ${quoted(value)}`;
  const typed = /^(?:-?\d+(?:\.\d+)?|true|false)$/.test(value);
  return typed ? `(${asText} || ${attribute} = ${value})` : asText;
}
