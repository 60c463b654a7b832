import { matchingByAllLabels } from '../plan/build.ts';
import type { LabelMatcher, Matching } from '../plan/generated.ts';
import { parseNumber, plainDecimal } from '../text/number.ts';
import { functions, type ValueType } from './functions.ts';
import { matchersInBraces, metricNameOf } from './show.ts';
import type {
  BinaryExpr,
  Duration,
  MatrixSelector,
  Modifiers,
  PromqlExpr,
  VectorSelector,
} from './syntax.ts';

/** A node of a syntax tree in Prometheus' JSON, whose tree view reads `type` first. */
export interface SyntaxNode {
  readonly type: string;
  readonly [property: string]: unknown;
}

/** What each expression gives, as `check.ts` found. */
type TypeOf = (expr: PromqlExpr) => ValueType;

/** The syntax tree of a checked query as `parse_query` answers it; lengths and times in milliseconds. */
export function syntaxTree(expr: PromqlExpr, typeOf: TypeOf): SyntaxNode {
  const tree = (inner: PromqlExpr): SyntaxNode => syntaxTree(inner, typeOf);
  switch (expr.kind) {
    case 'number':
      return { type: 'numberLiteral', val: plainDecimal(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'paren':
      return { type: 'parenExpr', expr: tree(expr.inner) };
    case 'unary':
      return { type: 'unaryExpr', op: expr.op, expr: tree(expr.input) };
    case 'vector':
      return {
        type: 'vectorSelector',
        ...selectorOf(expr),
        ...modifiersOf(expr),
        ...extensionOf(expr),
      };
    case 'matrix': {
      const range = milliseconds(expr.range);
      return {
        type: 'matrixSelector',
        ...selectorOf(expr),
        range,
        rangeExpr: null,
        ...modifiersOf(expr),
        ...extensionOf(expr),
      };
    }
    case 'subquery': {
      const [range, step] = [milliseconds(expr.range), milliseconds(expr.step ?? 0n)];
      return {
        type: 'subquery',
        expr: tree(expr.input),
        range,
        rangeExpr: null,
        step,
        stepExpr: null,
        ...modifiersOf(expr),
      };
    }
    case 'aggregation': {
      const { op, param, input, grouping } = expr;
      return {
        type: 'aggregation',
        op,
        expr: tree(input),
        param: param === null ? null : tree(param),
        grouping: grouping?.labels ?? [],
        without: grouping?.without ?? false,
      };
    }
    case 'binary':
      return {
        type: 'binaryExpr',
        op: expr.op,
        lhs: tree(expr.left),
        rhs: tree(expr.right),
        matching: matchingOf(expr, typeOf),
        bool: expr.returnBool,
      };
    case 'call':
      return { type: 'call', func: functionOf(expr.name), args: expr.args.map(tree) };
  }
}

function extensionOf({ extension }: VectorSelector | MatrixSelector): object {
  return { anchored: extension === 'anchored', smoothed: extension === 'smoothed' };
}

/** The name's own matcher is the last, as Prometheus' parser adds it. */
function selectorOf(selector: VectorSelector | MatrixSelector): object {
  const ofName: readonly LabelMatcher[] = selector.isNamed ? selector.matchers.slice(0, 1) : [];
  const matchers = [...matchersInBraces(selector), ...ofName];
  return {
    name: metricNameOf(selector),
    matchers: matchers.map(({ name, op, value }) => ({ name, value, type: op })),
  };
}

function modifiersOf({ at, offset }: Modifiers): object {
  return {
    offset: milliseconds(offset ?? 0n),
    offsetExpr: null,
    timestamp: typeof at === 'bigint' ? milliseconds(at) : null,
    startOrEnd: typeof at === 'string' ? at : null,
  };
}

const cardinalities = {
  oneToOne: 'one-to-one',
  manyToOne: 'many-to-one',
  oneToMany: 'one-to-many',
  manyToMany: 'many-to-many',
} as const satisfies Record<Matching['cardinality'], string>;

function matchingOf({ op, left, right, matching }: BinaryExpr, typeOf: TypeOf): object | null {
  if (typeOf(left) !== 'vector' || typeOf(right) !== 'vector') return null;
  const { on, labels, cardinality, include, fillLeft, fillRight } = matching ?? matchingByAllLabels(op);
  const value = (text: string | undefined): number | null => (text === undefined ? null : parseNumber(text));
  const fillValues = { lhs: value(fillLeft), rhs: value(fillRight) };
  return { card: cardinalities[cardinality], labels, on, include, fillValues };
}

function functionOf(name: string): object {
  const known = functions.get(name);
  return {
    name,
    argTypes: known?.args ?? [],
    variadic: known?.repeats === true ? -1 : (known?.optional ?? 0),
    returnType: known?.gives ?? 'none',
  };
}

/** 0 for what is only known with the query's step and range. */
function milliseconds(length: Duration): number {
  return typeof length === 'bigint' ? Number(length / 1_000_000n) : 0;
}
