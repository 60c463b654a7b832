import { QueryTextError } from '../errors.ts';
import { balanced } from '../plan/build.ts';
import type {
  CompareOp,
  Extraction,
  LabelMatcher,
  LabelPick,
  MatchOp,
  NumberUnit,
} from '../plan/generated.ts';
import { parseBytes } from '../text/bytes.ts';
import { parseDuration } from '../text/duration.ts';
import { quote } from '../text/string.ts';
import type { Cursor } from './cursor.ts';
import type { LabelFilter, LabelFormat, LinePattern, LogExpr, LogStage } from './syntax.ts';

const matchOps: readonly MatchOp[] = ['=', '=~', '!~', '!='];
const lineOps = ['|=', '|~', '|>', '!=', '!~', '!>'] as const;
const compareOps: readonly CompareOp[] = ['==', '!=', '>', '>=', '<', '<='];

/** A selector and its pipeline. */
export function logExpr(cursor: Cursor): LogExpr {
  const { place } = cursor;
  const matchers = logSelector(cursor);
  const stages = pipeline(cursor);
  if (!cursor.is('|')) return { kind: 'log', place, matchers, stages };
  // Only `| unwrap` was left, which takes its value for a range.
  cursor.advance();
  throw cursor.unexpected();
}

/** `{app="x", …}`; `{}` is read too, check.ts refuses it where it is none. */
export function logSelector(cursor: Cursor): LabelMatcher[] {
  cursor.expect('{');
  if (cursor.skip('}')) return [];
  const matchers = [matcher(cursor, 'IDENTIFIER', '}')];
  while (cursor.skip(',')) matchers.push(matcher(cursor, 'IDENTIFIER'));
  cursor.expect('}', ['}', ',']);
  return matchers;
}

function matcher(cursor: Cursor, ...expected: readonly string[]): LabelMatcher {
  if (cursor.token.kind !== 'identifier') throw cursor.unexpected(...expected);
  const name = cursor.take('identifier');
  const op = matchOps.find((candidate) => cursor.skip(candidate));
  if (op === undefined) throw cursor.unexpected(...matchOps);
  return { name, op, value: cursor.take('string') };
}

/** All stages from here; an `unwrap` is left for the range that it belongs to. */
export function pipeline(cursor: Cursor): LogStage[] {
  const stages: LogStage[] = [];
  for (;;) {
    const op = lineOps.find((candidate) => cursor.is(candidate));
    if (op !== undefined) stages.push(lineFilter(cursor, op));
    else if (cursor.is('|') && !unwrapFollows(cursor)) stages.push(stage(cursor));
    else return stages;
  }
}

/** Whether `| unwrap` stands here. */
export function unwrapFollows(cursor: Cursor): boolean {
  return cursor.is('|') && cursor.is('unwrap', 1);
}

function lineFilter(cursor: Cursor, op: (typeof lineOps)[number]): LogStage {
  const { place } = cursor;
  cursor.skip(op);
  const patterns = [linePattern(cursor)];
  while (cursor.skip('or')) patterns.push(linePattern(cursor));
  return { kind: 'lineFilter', place, op, patterns };
}

function linePattern(cursor: Cursor): LinePattern {
  if (cursor.is('ip')) return { text: ipRange(cursor), ip: true };
  return { text: cursor.take('string', 'ip'), ip: false };
}

function ipRange(cursor: Cursor): string {
  cursor.expect('ip');
  cursor.expect('(');
  const range = cursor.take('string');
  cursor.expect(')');
  return range;
}

function stage(cursor: Cursor): LogStage {
  cursor.expect('|');
  const { place } = cursor;
  if (cursor.skip('json')) return { kind: 'json', place, expressions: extractions(cursor) };
  if (cursor.skip('logfmt')) return logfmt(cursor, place);
  if (cursor.skip('regexp')) return { kind: 'regexp', place, expression: cursor.take('string') };
  if (cursor.skip('pattern')) return { kind: 'pattern', place, expression: cursor.take('string') };
  if (cursor.skip('unpack')) return { kind: 'unpack', place };
  if (cursor.skip('decolorize')) return { kind: 'decolorize', place };
  if (cursor.skip('line_format')) return { kind: 'lineFormat', place, template: cursor.take('string') };
  if (cursor.skip('label_format'))
    return { kind: 'labelFormat', place, formats: cursor.list(() => labelFormat(cursor)) };
  if (cursor.skip('drop')) return { kind: 'drop', place, labels: cursor.list(() => labelPick(cursor)) };
  if (cursor.skip('keep')) return { kind: 'keep', place, labels: cursor.list(() => labelPick(cursor)) };
  return { kind: 'labelFilter', place, filter: labelFilters(cursor) };
}

function logfmt(cursor: Cursor, place: LogStage['place']): LogStage {
  const flags = new Set<string>();
  while (cursor.token.kind === 'flag') flags.add(cursor.take('flag'));
  const expressions = extractions(cursor);
  const strict = flags.has('--strict');
  return { kind: 'logfmt', place, strict, keepEmpty: flags.has('--keep-empty'), expressions };
}

function extractions(cursor: Cursor): Extraction[] {
  if (cursor.token.kind !== 'identifier') return [];
  return cursor.list(() => {
    const label = cursor.take('identifier');
    return { label, path: cursor.skip('=') ? cursor.take('string') : label };
  });
}

function labelFormat(cursor: Cursor): LabelFormat {
  const to = cursor.take('identifier');
  cursor.expect('=');
  if (cursor.token.kind === 'identifier')
    return { to, from: { kind: 'label', text: cursor.take('identifier') } };
  return { to, from: { kind: 'template', text: labelTemplate(cursor) } };
}

function labelTemplate(cursor: Cursor): string {
  if (!cursor.isA('string')) throw cursor.unexpected('IDENTIFIER', 'STRING');
  return cursor.take('string');
}

function labelPick(cursor: Cursor): LabelPick {
  const name = cursor.take('identifier');
  const op = matchOps.find((candidate) => cursor.skip(candidate));
  return { name, matches: op === undefined ? null : { op, value: cursor.take('string') } };
}

/**
 * Conditions with `and`, `or`, commas, blanks (both mean *and*) and parentheses. `and` binds tighter
 * than `or`; a comma takes all that follows it as its right side (as Loki's grammar resolves it).
 */
export function labelFilters(cursor: Cursor): LabelFilter {
  return run(cursor, 'or', () => run(cursor, 'and', () => withComma(cursor)));
}

/** Whether a condition can start here. */
export function startsLabelFilter(cursor: Cursor): boolean {
  return cursor.isA('identifier') || cursor.is('(');
}

function run(cursor: Cursor, kind: 'and' | 'or', operand: () => LabelFilter): LabelFilter {
  const operands: [LabelFilter, ...LabelFilter[]] = [operand()];
  while (cursor.skip(kind)) {
    if (!startsLabelFilter(cursor)) throw cursor.unexpected('IDENTIFIER', '(');
    operands.push(operand());
  }
  return balanced(operands, (left, right) => ({ kind, left, right }));
}

function withComma(cursor: Cursor): LabelFilter {
  const left = cursor.nested(() => labelFilter(cursor));
  if (cursor.skip(',')) {
    if (!startsLabelFilter(cursor)) throw cursor.unexpected('IDENTIFIER', '(');
  } else if (!startsLabelFilter(cursor)) return left;
  return { kind: 'and', left, right: cursor.nested(() => labelFilters(cursor)) };
}

function labelFilter(cursor: Cursor): LabelFilter {
  if (cursor.skip('(')) {
    if (!startsLabelFilter(cursor)) throw cursor.unexpected('IDENTIFIER', '(');
    const inner = labelFilters(cursor);
    cursor.expect(')', []);
    return inner;
  }
  const { place } = cursor;
  if (!cursor.isA('identifier')) throw cursor.unexpected();
  const name = cursor.take('identifier');
  const op = [...matchOps, ...compareOps].find((candidate) => cursor.skip(candidate));
  if (op === undefined) throw cursor.unexpected();
  const textual = matchOps.find((candidate) => candidate === op);
  if (textual !== undefined && cursor.isA('string'))
    return { kind: 'text', matcher: { name, op: textual, value: cursor.take('string') } };
  if ((op === '=' || op === '!=') && cursor.is('ip'))
    return { kind: 'ip', place, name, op, range: ipRange(cursor) };
  if (op === '=~' || op === '!~') throw cursor.unexpected('STRING');
  return { kind: 'number', name, op: op === '=' ? '==' : op, ...quantity(cursor) };
}

/** A length (in seconds), a size (in bytes) or a number, which alone has its sign apart. */
function quantity(cursor: Cursor): { unit: NumberUnit; value: number } {
  const { kind, text } = cursor.token;
  const nanos = kind === 'duration' ? parseDuration(text) : null;
  if (nanos !== null) {
    cursor.take('duration');
    return { unit: 'seconds', value: Number(nanos) / 1e9 };
  }
  const bytes = kind === 'bytes' ? parseBytes(text) : null;
  if (bytes !== null) {
    cursor.take('bytes');
    return { unit: 'bytes', value: bytes };
  }
  const signed = cursor.is('-') || cursor.is('+');
  const sign = cursor.skip('-') ? -1 : 1;
  if (sign === 1) cursor.skip('+');
  if (!cursor.isA('number')) throw signed ? cursor.unexpected('NUMBER') : cursor.unexpected();
  return { unit: 'plain', value: sign * numberOf(cursor) };
}

/** A number as Go's `strconv.ParseFloat` reads it: always decimal, without a sign. */
export function numberOf(cursor: Cursor, as: 'literal' | 'vectorExpr' = 'literal'): number {
  const { place } = cursor;
  const text = cursor.take('number');
  const value = /^(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN;
  if (Number.isFinite(value)) return value;
  const reason = Number.isNaN(value) ? 'invalid syntax' : 'value out of range';
  throw new QueryTextError(
    'logql',
    place,
    `parse error : unable to parse ${as} as a float: strconv.ParseFloat: parsing ${quote(text)}: ${reason}`,
  );
}
