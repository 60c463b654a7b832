import { balanced } from '../plan/build.ts';
import type {
  CompareOp,
  Field,
  FieldExpr,
  FieldOp,
  SpanKind,
  Static,
  StatusCode,
} from '../plan/generated.ts';
import { parseDuration } from '../text/duration.ts';
import { writeNumber } from '../text/number.ts';
import type { Cursor } from './cursor.ts';
import { intrinsics, readAttribute } from './fields.ts';
import { strength } from './show.ts';

const statusCodes: readonly StatusCode[] = ['ok', 'error', 'unset'];
const spanKinds: readonly SpanKind[] = [
  'unspecified',
  'internal',
  'server',
  'client',
  'producer',
  'consumer',
];

/** Integers that a span's attribute can hold: an `i64`. */
const integerMax = 2n ** 63n - 1n;

/** A condition or value of one span: `.a = 1 && duration > 2s`. */
export function fieldExpr(cursor: Cursor, atLeast = 1): FieldExpr {
  let left = cursor.nested(() => unary(cursor));
  for (;;) {
    const op = operator(cursor);
    if (op === undefined || strength[op] < atLeast) return left;
    const next = op === '^' ? strength[op] : strength[op] + 1;
    const operands: [FieldExpr, ...FieldExpr[]] = [left];
    do {
      cursor.advance();
      cursor.countOperator();
      operands.push(cursor.nested(() => fieldExpr(cursor, next)));
    } while ((op === '&&' || op === '||') && operator(cursor) === op);
    left = balanced(operands, (one, other) => ({ kind: 'binary', op, left: one, right: other }));
  }
}

function operator(cursor: Cursor): FieldOp | undefined {
  const { kind, text } = cursor.token;
  return kind === 'symbol' && Object.hasOwn(strength, text) ? (text as FieldOp) : undefined;
}

const compareOps: Readonly<Record<string, CompareOp>> = {
  '=': '==',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

/** The comparison that stands here, if one does. */
export function compareOp(cursor: Cursor): CompareOp | undefined {
  return cursor.isA('symbol') ? compareOps[cursor.token.text] : undefined;
}

/** `-` and `!` take what binds tighter than `+`: `-.a * 2` is `-(.a * 2)`, `!.a = 1` is `(!.a) = 1`. */
function unary(cursor: Cursor): FieldExpr {
  if (cursor.skip('!')) return { kind: 'not', input: cursor.nested(() => fieldExpr(cursor, strength['*'])) };
  if (!cursor.skip('-')) return primary(cursor);
  const input = cursor.nested(() => fieldExpr(cursor, strength['*']));
  const value = input.kind === 'static' ? negated(input.value) : undefined;
  return value === undefined ? { kind: 'negate', input } : { kind: 'static', value };
}

function negated(value: Static): Static | undefined {
  switch (value.type) {
    case 'int':
    case 'duration':
      return { ...value, value: (-BigInt(value.value)).toString() };
    case 'float':
      return { type: 'float', value: writeNumber(-Number(value.value)) };
    case 'nil':
    case 'string':
    case 'bool':
    case 'status':
    case 'kind':
      return undefined;
  }
}

function primary(cursor: Cursor): FieldExpr {
  if (cursor.skip('(')) {
    const inner = fieldExpr(cursor);
    cursor.expect(')');
    return inner;
  }
  if (cursor.isA('attribute') || cursor.isA('intrinsic')) return { kind: 'field', field: field(cursor) };
  if (cursor.is('parent')) throw cursor.unsupported('the intrinsic parent');
  if (cursor.isA('identifier')) throw cursor.error(`unknown identifier: ${cursor.token.text}`);
  return { kind: 'static', value: constant(cursor) };
}

/** An attribute or an intrinsic field. */
export function field(cursor: Cursor): Field {
  const { kind, text } = cursor.token;
  const name = kind === 'intrinsic' ? intrinsics.get(text) : undefined;
  const attribute = kind === 'attribute' ? readAttribute(text) : null;
  const found: Field | null = name === undefined ? attribute : { kind: 'intrinsic', name };
  if (found === null) {
    if (cursor.isA('identifier')) throw cursor.error(`unknown identifier: ${text}`);
    throw cursor.unexpected();
  }
  cursor.advance();
  return found;
}

/** A constant without a sign. */
export function constant(cursor: Cursor): Static {
  const { kind, text } = cursor.token;
  const value = kind === 'keyword' ? namedConstant(text) : literal(kind, text);
  if (value === null) throw cursor.unexpected();
  if (value.type === 'int' && BigInt(value.value) > integerMax)
    throw cursor.error(`strconv.Atoi: parsing "${text}": value out of range`);
  cursor.advance();
  return value;
}

function literal(kind: Cursor['token']['kind'], text: string): Static | null {
  if (kind === 'string') return { type: 'string', value: text };
  if (kind === 'integer') return { type: 'int', value: BigInt(text).toString() };
  if (kind === 'float') return { type: 'float', value: writeNumber(Number(text)) };
  const nanos = kind === 'duration' ? parseDuration(text) : null;
  return nanos === null ? null : { type: 'duration', value: nanos.toString() };
}

function namedConstant(text: string): Static | null {
  if (text === 'nil') return { type: 'nil' };
  if (text === 'true' || text === 'false') return { type: 'bool', value: text === 'true' };
  const status = statusCodes.find((code) => code === text);
  if (status !== undefined) return { type: 'status', value: status };
  const kind = spanKinds.find((candidate) => candidate === text);
  return kind === undefined ? null : { type: 'kind', value: kind };
}
