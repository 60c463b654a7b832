import type { FieldExpr, FieldOp, Static } from '../plan/generated.ts';
import { showField } from './fields.ts';

/** How tightly an operator binds; TraceQL gives `&&` and `||` the same strength. */
export const strength: Readonly<Record<FieldOp, number>> = {
  '&&': 1,
  '||': 1,
  '=': 2,
  '!=': 2,
  '=~': 2,
  '!~': 2,
  '<': 2,
  '<=': 2,
  '>': 2,
  '>=': 2,
  '+': 3,
  '-': 3,
  '*': 4,
  '/': 4,
  '%': 4,
  '^': 5,
};

/** An expression as Tempo writes it in messages and as names of values: `` name = `x` ``. */
export function showExpr(expr: FieldExpr): string {
  switch (expr.kind) {
    case 'field':
      return showField(expr.field);
    case 'static':
      return showStatic(expr.value);
    case 'not':
      return `!${operand(expr.input)}`;
    case 'negate':
      return `-${operand(expr.input)}`;
    case 'binary':
      return `${operand(expr.left)} ${expr.op} ${operand(expr.right)}`;
  }
}

function operand(expr: FieldExpr): string {
  return expr.kind === 'binary' ? `(${showExpr(expr)})` : showExpr(expr);
}

function showStatic(value: Static): string {
  switch (value.type) {
    case 'nil':
      return 'nil';
    case 'string':
      return `\`${value.value}\``;
    case 'int':
    case 'float':
    case 'status':
    case 'kind':
      return value.value;
    case 'bool':
      return String(value.value);
    case 'duration':
      return showDuration(BigInt(value.value));
  }
}

/** A length as Go prints it: `1m30s`, `1.5s`, `250ms`, `821.1ms`. */
function showDuration(nanos: bigint): string {
  if (nanos < 0n) return `-${showDuration(-nanos)}`;
  if (nanos === 0n) return '0s';
  if (nanos < 1_000_000_000n) {
    if (nanos < 1_000n) return `${nanos.toString()}ns`;
    return nanos < 1_000_000n ? `${Number(nanos) / 1e3}µs` : `${Number(nanos) / 1e6}ms`;
  }
  const minutes = nanos / 60_000_000_000n;
  const seconds = `${Number(nanos % 60_000_000_000n) / 1e9}s`;
  if (minutes === 0n) return seconds;
  const hours = minutes / 60n;
  return `${hours > 0n ? `${hours.toString()}h` : ''}${(minutes % 60n).toString()}m${seconds}`;
}
