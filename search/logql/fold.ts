import { arithmetic } from '../arithmetic.ts';
import type { BinaryExpr } from './syntax.ts';

/**
 * What an operator makes of two numbers, as Loki reckons it while it reads a query: comparisons give 1 or 0,
 * whatever is divided by zero is NaN. `undefined` for set operators, which join series alone.
 */
export function folded(op: BinaryExpr['op'], left: number, right: number): number | undefined {
  switch (op) {
    case '+':
    case '-':
    case '*':
    case '%':
      return arithmetic(op, left, right);
    case '/':
      return right === 0 ? NaN : left / right;
    case '^':
      return power(left, right);
    case '==':
      return Number(left === right);
    case '!=':
      return Number(left !== right);
    case '<':
      return Number(left < right);
    case '<=':
      return Number(left <= right);
    case '>':
      return Number(left > right);
    case '>=':
      return Number(left >= right);
    case 'and':
    case 'or':
    case 'unless':
      return undefined;
  }
}

/** As C and Go have it: 1 to any power is 1, and so is -1 to an infinite one. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && !Number.isFinite(exponent) && !Number.isNaN(exponent))) return 1;
  return base ** exponent;
}
