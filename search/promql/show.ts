import type { LabelMatcher, Matching } from '../plan/generated.ts';
import { showPrometheusDuration } from '../text/duration.ts';
import { parseNumber, plainDecimal } from '../text/number.ts';
import { quote } from '../text/string.ts';
import type {
  Aggregation,
  BinaryExpr,
  Duration,
  MatrixSelector,
  Modifiers,
  NumberLiteral,
  PromqlExpr,
  Subquery,
  VectorSelector,
} from './syntax.ts';

/** A query on one line, as Prometheus prints its syntax trees. */
export function showPromql(expr: PromqlExpr): string {
  switch (expr.kind) {
    case 'number':
      return showNumber(expr);
    case 'string':
      return quote(expr.value);
    case 'paren':
      return `(${showPromql(expr.inner)})`;
    case 'unary':
      return expr.op + showPromql(expr.input);
    case 'vector':
    case 'matrix':
      return showSelector(expr);
    case 'subquery':
      return showPromql(expr.input) + showSubqueryRange(expr);
    case 'aggregation': {
      const param = expr.param === null ? '' : `${showPromql(expr.param)}, `;
      return `${showAggregationOp(expr)}(${param}${showPromql(expr.input)})`;
    }
    case 'binary':
      return `${showPromql(expr.left)} ${showBinaryOp(expr)} ${showPromql(expr.right)}`;
    case 'call':
      return `${expr.name}(${expr.args.map(showPromql).join(', ')})`;
  }
}

/** The operator with what it groups by, up to the bracket of its arguments. */
export function showAggregationOp({ op, grouping }: Aggregation): string {
  if (grouping === null || (!grouping.without && grouping.labels.length === 0)) return op;
  return `${op} ${grouping.without ? 'without' : 'by'} (${showLabels(grouping.labels)}) `;
}

/** The operator with `bool` and how series find each other. */
export function showBinaryOp({ op, returnBool, matching }: BinaryExpr): string {
  const shown = returnBool ? `${op} bool` : op;
  if (matching === null) return shown;
  const { on, labels, cardinality, include } = matching;
  const fill = showFill(matching);
  const side = { manyToOne: 'left', oneToMany: 'right', oneToOne: null, manyToMany: null }[cardinality];
  const by = on || labels.length > 0 || side !== null;
  const labelled = by ? `${shown} ${on ? 'on' : 'ignoring'} (${showLabels(labels)})` : shown;
  return (side === null ? labelled : `${labelled} group_${side} (${showLabels(include)})`) + fill;
}

function showFill({ fillLeft, fillRight }: Matching): string {
  const value = (text: string): string => plainDecimal(parseNumber(text) ?? Number.NaN);
  if (fillLeft !== undefined && fillLeft === fillRight) return ` fill (${value(fillLeft)})`;
  const left = fillLeft === undefined ? '' : ` fill_left (${value(fillLeft)})`;
  return left + (fillRight === undefined ? '' : ` fill_right (${value(fillRight)})`);
}

/** `[<range>:<step>]` with its modifiers. */
export function showSubqueryRange(subquery: Subquery): string {
  const step = subquery.step === null ? '' : showDuration(subquery.step);
  return `[${showDuration(subquery.range)}:${step}]${showModifiers(subquery)}`;
}

/** The name that stands before the braces of a selector; empty without one. */
export function metricNameOf({ matchers, isNamed }: VectorSelector | MatrixSelector): string {
  return isNamed ? (matchers[0]?.value ?? '') : '';
}

/** The matchers within the braces, in their order. */
export function matchersInBraces({
  matchers,
  isNamed,
}: VectorSelector | MatrixSelector): readonly LabelMatcher[] {
  return isNamed ? matchers.slice(1) : matchers;
}

function showSelector(selector: VectorSelector | MatrixSelector): string {
  const name = metricNameOf(selector);
  const others = matchersInBraces(selector)
    .map((matcher) => `${showLabel(matcher.name)}${matcher.op}${quote(matcher.value)}`)
    .sort();
  const range = selector.kind === 'matrix' ? `[${showDuration(selector.range)}]` : '';
  const extension = selector.extension === null ? '' : ` ${selector.extension}`;
  const braces = selector.isNamed && others.length === 0 ? '' : `{${others.join(',')}}`;
  return `${name}${braces}${range}${extension}${showModifiers(selector)}`;
}

function showModifiers({ at, offset }: Modifiers): string {
  const when = typeof at === 'string' ? ` @ ${at}()` : ` @ ${(Number(at) / 1e9).toFixed(3)}`;
  return (at === null ? '' : when) + showOffset(offset ?? 0n);
}

function showDuration(length: Duration): string {
  return typeof length === 'bigint' ? showPrometheusDuration(length) : showPromql(length);
}

function showOffset(offset: Duration): string {
  if (typeof offset !== 'bigint') return ` offset ${showPromql(offset)}`;
  if (offset === 0n) return '';
  const sign = offset < 0n ? '-' : '';
  return ` offset ${sign}${showPrometheusDuration(offset < 0n ? -offset : offset)}`;
}

function showNumber({ value, isDuration }: NumberLiteral): string {
  if (!isDuration) return plainDecimal(value);
  const sign = value < 0 ? '-' : '';
  return sign + showPrometheusDuration(BigInt(Math.round(Math.abs(value) * 1e9)));
}

function showLabels(labels: readonly string[]): string {
  return labels.map(showLabel).join(', ');
}

function showLabel(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name);
}
