import { arithmetic } from '../arithmetic.ts';
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
  const value = one === null || other === null ? undefined : arithmetic(op, one, other);
  return value === undefined ? null : { type: 'float', value: writeNumber(value) };
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

/** Past this a power is past 64 bits, but of -1, 0 and 1. */
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
      return powerOf(left, right);
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

/** Cut to a whole number of 64 bits, as the power of floats is. */
function powerOf(base: bigint, exponent: bigint): bigint {
  const isSmall = exponent >= 0n && (exponent <= exponentMax || (base >= -1n && base <= 1n));
  const power = isSmall ? base ** exponent : 0n;
  if (isSmall && BigInt.asIntN(64, power) === power) return power;
  const cut = Math.trunc(Number(base) ** Number(exponent));
  return cut >= 2 ** 63 ? 2n ** 63n - 1n : cut <= -(2 ** 63) ? -(2n ** 63n) : BigInt(cut);
}
