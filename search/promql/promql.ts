import { placeOf, QueryTextError } from '../errors.ts';
import type { PromqlHow } from '../how.ts';
import { withinDepth } from '../plan/depth.ts';
import type { LabelMatcher, Plan } from '../plan/generated.ts';
import { checkMatchers, checkPromql } from './check.ts';
import { formatPromql } from './format.ts';
import { lowerPromql } from './lower.ts';
import { parsePromql } from './parse.ts';
import type { PromqlExpr } from './syntax.ts';
import { type SyntaxNode, syntaxTree } from './tree.ts';

/** PromQL, Prometheus' language. */
export const promql = {
  /** @throws QueryTextError */
  plan(text: string, how: PromqlHow): Plan {
    const expr = parsePromql(text);
    const type = checkPromql(text, expr);
    return withinDepth('promql', lowerPromql(text, expr, type, how));
  },

  /** The matchers of all selectors of a query, in the order in which they stand. @throws QueryTextError */
  selectorsOf(text: string): LabelMatcher[][] {
    const expr = parsePromql(text);
    checkPromql(text, expr);
    return matchersIn(expr);
  },

  /** The query laid out for people. @throws QueryTextError */
  format(text: string): string {
    const expr = parsePromql(text);
    checkPromql(text, expr);
    return formatPromql(expr);
  },

  /** The query's syntax tree, as Prometheus' web page shows it. @throws QueryTextError */
  tree(text: string): SyntaxNode {
    const expr = parsePromql(text);
    checkPromql(text, expr);
    return syntaxTree(expr, (inner) => checkPromql(text, inner));
  },

  /** A vector selector without range or modifiers. @throws QueryTextError */
  selector(text: string): LabelMatcher[] {
    const expr = parsePromql(text);
    if (expr.kind !== 'vector' || expr.offset !== null || expr.at !== null || expr.extension !== null)
      throw new QueryTextError(
        'promql',
        placeOf(text, expr.from),
        `expected a series selector such as up{job="api"}, got ${JSON.stringify(text)}`,
      );
    checkMatchers(text, expr);
    return [...expr.matchers];
  },
};

function matchersIn(expr: PromqlExpr): LabelMatcher[][] {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return [];
    case 'vector':
    case 'matrix':
      return [[...expr.matchers]];
    case 'paren':
      return matchersIn(expr.inner);
    case 'unary':
    case 'subquery':
      return matchersIn(expr.input);
    case 'binary':
      return [...matchersIn(expr.left), ...matchersIn(expr.right)];
    case 'aggregation':
      return [...(expr.param === null ? [] : matchersIn(expr.param)), ...matchersIn(expr.input)];
    case 'call':
      return expr.args.flatMap(matchersIn);
  }
}
