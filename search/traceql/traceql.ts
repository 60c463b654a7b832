import { QueryTextError } from '../errors.ts';
import type { TraceqlHow } from '../how.ts';
import type { Field, FieldExpr, Plan } from '../plan/generated.ts';
import { checkCondition, checkTraceql } from './check.ts';
import { lowerTraceql } from './lower.ts';
import { parseCondition, parseField, parseTraceql } from './parse.ts';

/** TraceQL, Tempo's language. */
export const traceql = {
  /** @throws QueryTextError */
  plan(text: string, how: TraceqlHow): Plan {
    const query = parseTraceql(text);
    checkTraceql(query);
    return lowerTraceql(query, how);
  },

  /**
   * The condition of the first spanset filter, for pickers that send what is typed so far: parts
   * that are broken are left out. Never throws.
   */
  condition(text: string): FieldExpr | null {
    const inside = /\{((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^}"`])*)/.exec(text)?.[1]?.trim() ?? '';
    if (inside === '') return null;
    const whole = conditionOrNull(inside);
    // Leaving out a part of an `||` would hide values instead of showing more.
    if (whole !== null || inside.includes('||')) return whole;
    return inside
      .split('&&')
      .map(conditionOrNull)
      .filter((part) => part !== null)
      .reduce<FieldExpr | null>(
        (left, right) => (left === null ? right : { kind: 'binary', op: '&&', left, right }),
        null,
      );
  },

  /** One field: `resource.service.name`, `.x`, `name`, `span:status`. @throws QueryTextError */
  field(text: string): Field {
    return parseField(text);
  },
};

function conditionOrNull(text: string): FieldExpr | null {
  try {
    const condition = parseCondition(text);
    checkCondition(condition, { line: 1, column: 1 });
    return condition;
  } catch (thrown) {
    if (thrown instanceof QueryTextError) return null;
    throw thrown;
  }
}
