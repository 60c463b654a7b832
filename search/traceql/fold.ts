import type { FieldExpr, FieldOp, Static } from '../plan/generated.ts';
import { writeNumber } from '../text/number.ts';

/**
 * What an expression without fields is worth: `2 * 3`, `1h - 5m`. As in Tempo whole numbers stay whole, and
 * every other pair gives a float (of lengths in nanoseconds). `null` where it is no number.
 */
export function folded(expr: FieldExpr): Static | null {
  switch (expr.kind) {
    case 'static':
      return expr.value;
    case 'binary': {
      const left = folded(expr.left);
      const right = folded(expr.right);
      return left === null || right === null ? null : reckoned(expr.op, left, right);
    }
    case 'field':
    case 'not':
    case 'negate':
      return null;
  }
}

function reckoned(op: FieldOp, left: Static, right: Static): Static | null {
  if (left.type === 'int' && right.type === 'int') {
    const whole = wholeOf(op, BigInt(left.value), BigInt(right.value));
    return whole === null ? null : { type: 'int', value: BigInt.asIntN(64, whole).toString() };
  }
  const [one, other] = [numberOf(left), numberOf(right)];
  const value = one === null || other === null ? null : floatOf(op, one, other);
  return value === null ? null : { type: 'float', value: writeNumber(value) };
}

function numberOf(value: Static): number | null {
  switch (value.type) {
    case 'int':
    case 'float':
    case 'duration':
      return Number(value.value);
    case 'nil':
    case 'string':
    case 'bool':
    case 'status':
    case 'kind':
      return null;
  }
}

/** Past this a power is past 64 bits, whatever its base. */
const exponentMax = 64n;

function wholeOf(op: FieldOp, left: bigint, right: bigint): bigint | null {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0n ? null : left / right;
    case '%':
      return right === 0n ? null : left % right;
    case '^':
      if (right < 0n || (right > exponentMax && (left > 1n || left < -1n))) return null;
      return left ** right;
    case '&&':
    case '||':
    case '=':
    case '!=':
    case '=~':
    case '!~':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return null;
  }
}

function floatOf(op: FieldOp, left: number, right: number): number | null {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return left ** right;
    case '&&':
    case '||':
    case '=':
    case '!=':
    case '=~':
    case '!~':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return null;
  }
}
