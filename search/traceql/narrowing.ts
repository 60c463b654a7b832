import { balanced } from '../plan/build.ts';
import type { FieldExpr } from '../plan/generated.ts';

/**
 * What of a condition narrows the names and values that pickers offer. As in Tempo, a field that is not compared
 * does not, and an attribute without a scope neither; beside such a one only attributes with one do. `null`
 * where nothing is left, or a side of an `||` has nothing left.
 */
export function narrowing(condition: FieldExpr): FieldExpr | null {
  if (condition.kind === 'binary' && condition.op === '||') {
    const [left, right] = [narrowing(condition.left), narrowing(condition.right)];
    return left === null || right === null ? null : { ...condition, left, right };
  }
  const parts = partsOf(condition);
  const isMixed = parts.some((part) => fieldsOf(part).includes('unscoped'));
  const [first, ...others] = parts
    .map((part) => (part.kind === 'binary' && part.op === '||' ? narrowing(part) : part))
    .filter((part) => part !== null)
    .filter((part) => compares(part) && !(isMixed && fieldsOf(part).some((field) => field !== 'scoped')));
  if (first === undefined) return null;
  return balanced([first, ...others], (left, right) => ({ kind: 'binary', op: '&&', left, right }));
}

function partsOf(condition: FieldExpr): FieldExpr[] {
  if (condition.kind !== 'binary' || condition.op !== '&&') return [condition];
  return [...partsOf(condition.left), ...partsOf(condition.right)];
}

function compares(part: FieldExpr): boolean {
  if (part.kind === 'not') return compares(part.input);
  if (part.kind !== 'binary') return false;
  if (part.op === '||' || part.op === '&&') return compares(part.left) && compares(part.right);
  const isField = (side: FieldExpr): boolean => side.kind === 'field';
  return isField(part.left) || isField(part.right);
}

type FieldSort = 'unscoped' | 'scoped' | 'intrinsic';

function fieldsOf(expr: FieldExpr): FieldSort[] {
  switch (expr.kind) {
    case 'field':
      if (expr.field.kind === 'intrinsic') return ['intrinsic'];
      return [expr.field.scope === null ? 'unscoped' : 'scoped'];
    case 'static':
      return [];
    case 'not':
    case 'negate':
      return fieldsOf(expr.input);
    case 'binary':
      return [...fieldsOf(expr.left), ...fieldsOf(expr.right)];
  }
}
