import type { BinaryOp, LabelMatcher } from '../plan/generated.ts';
import { acceptsEmpty } from '../text/empty-match.ts';
import { functions, typeNames, type ValueType } from './functions.ts';
import { parseError } from './lex.ts';
import {
  type Aggregation,
  aggregationParams,
  type BinaryExpr,
  type Call,
  type PromqlExpr,
  type UnaryExpr,
} from './syntax.ts';

const comparisons: ReadonlySet<BinaryOp> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const setOperators: ReadonlySet<BinaryOp> = new Set(['and', 'or', 'unless']);

/**
 * Types and argument counts of a whole query; gives its type.
 *
 * @throws QueryTextError in Prometheus' words
 */
export function checkPromql(text: string, expr: PromqlExpr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'vector':
    case 'matrix':
      checkMatchers(text, expr);
      return expr.kind;
    case 'paren':
      return checkPromql(text, expr.inner);
    case 'subquery': {
      const type = checkPromql(text, expr.input);
      if (type !== 'vector')
        throw parseError(
          text,
          expr.from,
          `subquery is only allowed on instant vector, got ${typeNames[type]} instead`,
        );
      return 'matrix';
    }
    case 'unary':
      return checkUnary(text, expr);
    case 'aggregation':
      return checkAggregation(text, expr);
    case 'binary':
      return checkBinary(text, expr);
    case 'call':
      return checkCall(text, expr);
  }
}

/** @throws QueryTextError where any series would do */
export function checkMatchers(
  text: string,
  { matchers, from }: { readonly matchers: readonly LabelMatcher[]; readonly from: number },
): void {
  if (matchers.every(acceptsEmpty))
    throw parseError(text, from, 'vector selector must contain at least one non-empty matcher');
}

function expect(text: string, expr: PromqlExpr, wanted: ValueType, where: string): void {
  const type = checkPromql(text, expr);
  if (type !== wanted)
    throw parseError(
      text,
      expr.from,
      `expected type ${typeNames[wanted]} in ${where}, got ${typeNames[type]}`,
    );
}

function checkUnary(text: string, { input, from }: UnaryExpr): ValueType {
  const type = checkPromql(text, input);
  if (type !== 'scalar' && type !== 'vector')
    throw parseError(
      text,
      from,
      `unary expression only allowed on expressions of type scalar or instant vector, got ${JSON.stringify(typeNames[type])}`,
    );
  return type;
}

function checkAggregation(text: string, { op, param, input }: Aggregation): ValueType {
  expect(text, input, 'vector', 'aggregation expression');
  const wanted = aggregationParams[op];
  if (param !== null && wanted !== undefined) expect(text, param, wanted, 'aggregation parameter');
  return 'vector';
}

function checkBinary(text: string, expr: BinaryExpr): ValueType {
  const { op, left, right, from, returnBool, matching } = expr;
  const types = [checkPromql(text, left), checkPromql(text, right)] as const;
  const refuse = (message: string): never => {
    throw parseError(text, from, message);
  };
  if (returnBool && !comparisons.has(op)) refuse('bool modifier can only be used on comparison operators');
  if (types.some((type) => type !== 'scalar' && type !== 'vector'))
    refuse('binary expression must contain only scalar and instant vector types');
  const joins = types.every((type) => type === 'vector');
  if (setOperators.has(op) && !joins)
    refuse(`set operator ${JSON.stringify(op)} not allowed in binary scalar expression`);
  const fills = matching?.fillLeft !== undefined || matching?.fillRight !== undefined;
  if (fills && !joins) refuse('filling in missing series only allowed between instant vectors');
  if (fills && setOperators.has(op)) refuse('filling in missing series not allowed for set operators');
  if (!joins && matching !== null && matching.labels.length > 0)
    refuse('vector matching only allowed between instant vectors');
  const bothScalars = types.every((type) => type === 'scalar');
  if (bothScalars && comparisons.has(op) && !returnBool)
    refuse('comparisons between scalars must use BOOL modifier');
  return bothScalars ? 'scalar' : 'vector';
}

function checkCall(text: string, { name, args, from }: Call): ValueType {
  const signature = functions.get(name);
  if (signature === undefined)
    throw parseError(text, from, `unknown function with name ${JSON.stringify(name)}`);
  const most = signature.args.length;
  const least = most - signature.optional;
  const wanted = (count: string): string =>
    `expected ${count} argument(s) in call to ${JSON.stringify(name)}, got ${args.length}`;
  if (least === most && !signature.repeats && args.length !== most)
    throw parseError(text, from, wanted(String(most)));
  if (args.length < least) throw parseError(text, from, wanted(`at least ${least}`));
  if (args.length > most && !signature.repeats) throw parseError(text, from, wanted(`at most ${most}`));
  args.forEach((arg, index) => {
    const type = signature.args[Math.min(index, most - 1)];
    if (name === 'info' && index === 1) checkInfoLabels(text, arg);
    else if (type !== undefined) expect(text, arg, type, `call to function ${JSON.stringify(name)}`);
  });
  return signature.gives;
}

/** The second argument of `info` is no vector but only what must hold of labels, even if that is nothing. */
function checkInfoLabels(text: string, arg: PromqlExpr): void {
  if (arg.kind !== 'vector') throw parseError(text, arg.from, 'expected label selectors only');
  if (text.charAt(arg.from) !== '{')
    throw parseError(text, arg.from, 'expected label selectors only, got vector selector instead');
}
