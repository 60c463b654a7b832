import type { Field, FieldExpr, LogRows } from '../../search/index.ts';
import {
  type LineMatch,
  matchKinds,
  type NewDelete,
  type SpanField,
  type SpanMatch,
  type TenantId,
} from '../../storage/index.ts';
import type { Call } from '../api.ts';
import { refuseAsOf } from '../as-of.ts';
import { badParameter, type Refused } from '../errors.ts';
import { nanos } from '../time.ts';

/** Whose records go: of one tenant at a time, and at every position. @throws Refused badParameter */
export function tenantOf({ tenants, params, headers }: Call): TenantId {
  refuseAsOf(params, headers, 'what is deleted is gone as of every moment');
  const [tenant, ...others] = tenants;
  if (tenant === undefined || others.length > 0)
    throw badParameter('multiple org IDs present; delete of one tenant at a time');
  return tenant;
}

/** The whole milliseconds of a range in nanoseconds, both included: nothing before the start that was asked for is erased. */
export function wholeMs(from: bigint, to: bigint): Pick<NewDelete, 'fromMs' | 'toMs'> {
  return { fromMs: 0 - floorMs(-from), toMs: floorMs(to) };
}

function floorMs(ns: bigint): number {
  const [ms, rest] = [ns / nanos.millisecond, ns % nanos.millisecond];
  return Number(rest < 0n ? ms - 1n : ms);
}

/** The conditions on lines that a stage of LogQL stands for; all must hold. @throws Refused badParameter */
export function lineMatches(stage: LogRows['stages'][number]): LineMatch[] {
  if (stage.stage !== 'lineFilter' || stage.patterns.some(({ ip }) => ip)) throw beyondFilters();
  const texts = stage.patterns.map(({ text }) => text);
  const [first = '', ...others] = texts;
  switch (stage.op) {
    case '|=':
      if (others.length === 0) return [{ kind: 'equal', value: first }];
      return [{ kind: 'regex', value: texts.map(literal).join('|') }];
    case '|~':
      if (others.length === 0) return [{ kind: 'regex', value: first }];
      return [{ kind: 'regex', value: texts.map((text) => `(?:${text})`).join('|') }];
    case '!=':
      return texts.map((value) => ({ kind: 'notEqual', value }));
    case '!~':
      return texts.map((value) => ({ kind: 'notRegex', value }));
    case '|>':
    case '!>':
      throw beyondFilters();
  }
}

/** A pattern that matches this text alone. */
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|#&~-]/g, '\\$&');
}

function beyondFilters(): Refused {
  return badParameter(
    'a delete request takes a selector and the line filters |=, !=, |~ and !~; leave out other stages',
  );
}

/** The conditions on spans that a spanset filter's condition stands for; all must hold. @throws Refused badParameter */
export function spanMatches(condition: FieldExpr): SpanMatch[] {
  if (condition.kind !== 'binary') throw beyondConditions();
  const { op, left, right } = condition;
  if (op === '&&') return [...spanMatches(left), ...spanMatches(right)];
  if (op !== '=' && op !== '!=' && op !== '=~' && op !== '!~') throw beyondConditions();
  if (left.kind !== 'field' || right.kind !== 'static') throw beyondConditions();
  const field = spanField(left.field);
  return [{ field, kind: matchKinds[op], ...spanValue(field, op, right.value) }];
}

function spanField(field: Field): SpanField {
  if (field.kind === 'attribute') {
    const { scope, name, parent } = field;
    if (parent || (scope !== 'resource' && scope !== 'span')) throw beyondConditions();
    return { name: scope, key: name };
  }
  const name = intrinsics.find((known) => known === field.name);
  if (name === undefined) throw beyondConditions();
  return { name };
}

const intrinsics = ['traceId', 'name', 'kind', 'status'] as const;

type Static = Extract<FieldExpr, { kind: 'static' }>['value'];

function spanValue(field: SpanField, op: string, value: Static): Pick<SpanMatch, 'value' | 'valueType'> {
  const isAttribute = field.name === 'resource' || field.name === 'span';
  if (value.type === 'string' && field.name !== 'kind' && field.name !== 'status') {
    // As Tempo pads ids of 64 bits; a pattern is of the whole id.
    const isId = field.name === 'traceId' && (op === '=' || op === '!=');
    const text = isId ? value.value.toLowerCase().padStart(32, '0') : value.value;
    return { value: text, valueType: 'string' };
  }
  if (value.type === 'int' && isAttribute) return { value: value.value, valueType: 'int' };
  if (value.type === 'bool' && isAttribute) return { value: String(value.value), valueType: 'bool' };
  if (value.type === 'status' && field.name === 'status')
    return { value: String(statuses.indexOf(value.value)), valueType: 'string' };
  if (value.type === 'kind' && field.name === 'kind')
    return { value: String(kinds.indexOf(value.value)), valueType: 'string' };
  throw beyondConditions();
}

/** By OTLP's numbers. */
const statuses: readonly string[] = ['unset', 'ok', 'error'];
const kinds: readonly string[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

function beyondConditions(): Refused {
  return badParameter(
    'a delete request for spans takes comparisons (=, !=, =~, !~) of trace:id, name, kind, status, resource.… and span.… with a constant, joined by &&; leave out the rest',
  );
}
