import { ConstructUnsupportedError, placeOf, QueryTextError } from '../errors.ts';
import type { PromqlHow } from '../how.ts';
import { equalityLabels, instant, matchingByAllLabels, number, steps } from '../plan/build.ts';
import type {
  LabelMatcher,
  Plan,
  SampleSelect,
  SeriesExpr,
  Steps,
  WindowFunction,
} from '../plan/generated.ts';
import { functions, type Lowering, typeNames, type ValueType } from './functions.ts';
import type {
  Aggregation,
  BinaryExpr,
  Call,
  MatrixSelector,
  Modifiers,
  PromqlExpr,
  Subquery,
} from './syntax.ts';

/** Prometheus' `evaluation_interval`, which subqueries without a step use: a minute, in nanoseconds. */
const subqueryStepDefault = 60_000_000_000n;

/**
 * A checked query of type `type` as a plan.
 *
 * @throws QueryTextError for a range query that gives no series; ConstructUnsupportedError for what
 *   the plan has no node for
 */
export function lowerPromql(text: string, expr: PromqlExpr, type: ValueType, how: PromqlHow): Plan {
  if (how.kind === 'range' && type !== 'scalar' && type !== 'vector')
    throw new QueryTextError(
      'promql',
      { line: 1, column: 1 },
      `invalid expression type ${JSON.stringify(typeNames[type])} for range query, must be Scalar or instant Vector`,
    );
  const lower = new Lower(text, how);
  const whole = withoutParens(expr);
  if (how.kind === 'instant' && isWindowed(whole)) return lower.rangeVector(whole, how.time);
  const when = how.kind === 'range' ? steps(how.start, how.end, how.step) : instant(how.time);
  return seriesPlan(lower.series(expr), when);
}

function seriesPlan(expr: SeriesExpr, when: Steps): Plan {
  return { node: 'series', expr, steps: when, dialect: 'prometheus' };
}

/** Turns expressions into plan nodes; knows the query's text, for places, and its times, for `@`. */
class Lower {
  readonly #text: string;
  readonly #how: PromqlHow;

  constructor(text: string, how: PromqlHow) {
    this.#text = text;
    this.#how = how;
  }

  /** A range vector as the whole query: stored samples, or a subquery's points. */
  rangeVector(expr: MatrixSelector | Subquery, time: bigint): Plan {
    if (expr.kind === 'matrix') {
      const select = this.#select(expr, expr.matchers);
      return { node: 'samples', select, range: expr.range.toString(), time: time.toString() };
    }
    const step = expr.step ?? subqueryStepDefault;
    const until = (this.#moment(expr.at) ?? time) - (expr.offset ?? 0n);
    const first = nextMultiple(until - expr.range, step);
    const input = this.series(expr.input);
    if (first <= until) return seriesPlan(input, steps(first, until, step));
    // No multiple of the step is within the range, so there is no point: what is left of a vector
    // without itself.
    const matching = matchingByAllLabels('unless');
    return seriesPlan(
      { node: 'binary', op: 'unless', left: input, right: input, returnBool: false, matching },
      steps(first, first, step),
    );
  }

  series(expr: PromqlExpr): SeriesExpr {
    switch (expr.kind) {
      case 'number':
        return number(expr.value);
      case 'string':
        return { node: 'text', value: expr.value };
      case 'paren':
        return this.series(expr.inner);
      case 'unary':
        return expr.op === '+' ? this.series(expr.input) : { node: 'negate', input: this.series(expr.input) };
      case 'vector':
        return {
          node: 'selector',
          select: this.#select(expr, expr.matchers),
          lookback: this.#how.lookback.toString(),
        };
      case 'matrix':
      case 'subquery':
        throw new Error('a range vector stands where a vector must; check.ts refuses that');
      case 'aggregation':
        return this.#aggregation(expr);
      case 'binary':
        return this.#binary(expr);
      case 'call':
        return this.#call(expr);
    }
  }

  #select(modifiers: Modifiers, matchers: readonly LabelMatcher[]): SampleSelect {
    return { matchers: [...matchers], ...this.#when(modifiers) };
  }

  #when({ offset, at }: Modifiers): { offset: string; at: string | null } {
    return { offset: (offset ?? 0n).toString(), at: this.#moment(at)?.toString() ?? null };
  }

  #moment(at: Modifiers['at']): bigint | null {
    const how = this.#how;
    if (at === 'start') return how.kind === 'range' ? how.start : how.time;
    if (at === 'end') return how.kind === 'range' ? how.end : how.time;
    return at;
  }

  #aggregation({ op, param, input, grouping }: Aggregation): SeriesExpr {
    return {
      node: 'aggregate',
      op,
      input: this.series(input),
      grouping,
      param: param === null ? null : this.series(param),
    };
  }

  #binary({ op, left, right, returnBool, matching }: BinaryExpr): SeriesExpr {
    const joins = !isScalar(left) && !isScalar(right);
    return {
      node: 'binary',
      op,
      left: this.series(left),
      right: this.series(right),
      returnBool,
      matching: joins ? (matching ?? matchingByAllLabels(op)) : null,
    };
  }

  #call(call: Call): SeriesExpr {
    const { name, args } = call;
    const lowering: Lowering = functions.get(name)?.lowering ?? { to: 'nothing' };
    switch (lowering.to) {
      case 'call':
        return { node: 'call', function: lowering.function, args: args.map((arg) => this.series(arg)) };
      case 'timeCall':
        return {
          node: 'call',
          function: lowering.function,
          args: args.length === 0 ? [evaluationTime()] : args.map((arg) => this.series(arg)),
        };
      case 'window':
        return this.#window(lowering.function, args);
      case 'absent':
        return this.#absent(args);
      case 'labelReplace': {
        const [input, to = '', replacement = '', from = '', regex = ''] = this.#inputAndTexts(args);
        return { node: 'labelReplace', input, to, replacement, from, regex };
      }
      case 'labelJoin': {
        const [input, to = '', separator = '', ...from] = this.#inputAndTexts(args);
        return { node: 'labelJoin', input, to, separator, from };
      }
      case 'clamp': {
        const [one, other] = args.map((arg) => this.series(arg));
        if (one === undefined || other === undefined)
          throw new Error(`${name} has not two arguments; check.ts refuses that`);
        const vector: SeriesExpr = { node: 'call', function: 'vector', args: [one] };
        const clamped: SeriesExpr = { node: 'call', function: lowering.function, args: [vector, other] };
        return { node: 'call', function: 'scalar', args: [clamped] };
      }
      case 'queryTime':
        return number(this.#queryTime(lowering.of));
      case 'nothing':
        throw this.#unsupported(call, `${name}()`);
    }
  }

  /** In seconds; at an instant start and end are that instant, and there is no step. */
  #queryTime(of: 'start' | 'end' | 'step' | 'range'): number {
    const how = this.#how;
    const { start, end, step } = how.kind === 'range' ? how : { start: how.time, end: how.time, step: 0n };
    return Number({ start, end, step, range: end - start }[of]) / 1e9;
  }

  /** The first argument as series, the others as texts; check.ts made sure of the types. */
  #inputAndTexts([first, ...others]: readonly PromqlExpr[]): [SeriesExpr, ...string[]] {
    if (first === undefined) throw new Error('a function over series has no argument; check.ts refuses that');
    return [this.series(first), ...others.map(textOf)];
  }

  #window(windowFunction: WindowFunction, args: readonly PromqlExpr[]): SeriesExpr {
    const windowed = args.map(withoutParens).find(isWindowed);
    if (windowed === undefined) throw new Error(`${windowFunction} has no range; check.ts refuses that`);
    const others = args.filter((arg) => !isWindowed(withoutParens(arg))).map((arg) => this.series(arg));
    const range = windowed.range.toString();
    if (windowed.kind === 'matrix')
      return {
        node: 'window',
        select: this.#select(windowed, windowed.matchers),
        range,
        function: windowFunction,
        args: others,
      };
    return {
      node: 'subquery',
      input: this.series(windowed.input),
      range,
      step: (windowed.step ?? subqueryStepDefault).toString(),
      ...this.#when(windowed),
      function: windowFunction,
      args: others,
    };
  }

  #absent(args: readonly PromqlExpr[]): SeriesExpr {
    const [arg] = args.map(withoutParens);
    if (arg === undefined) throw new Error('absent has no argument; check.ts refuses that');
    const matchers = arg.kind === 'vector' || arg.kind === 'matrix' ? arg.matchers : [];
    return {
      node: 'absent',
      input: isWindowed(arg) ? this.#window('present_over_time', [arg]) : this.series(arg),
      labels: equalityLabels(matchers.filter(({ name }) => name !== '__name__')),
    };
  }

  #unsupported({ from }: { from: number }, construct: string): ConstructUnsupportedError {
    return new ConstructUnsupportedError('promql', placeOf(this.#text, from), construct);
  }
}

/** `vector(time())`, what `hour()` and its like take when nothing is given. */
function evaluationTime(): SeriesExpr {
  return { node: 'call', function: 'vector', args: [{ node: 'call', function: 'time', args: [] }] };
}

/** The first multiple of `step` that is later than `time`. */
function nextMultiple(time: bigint, step: bigint): bigint {
  const rest = ((time % step) + step) % step;
  return time - rest + step;
}

function withoutParens(expr: PromqlExpr): PromqlExpr {
  return expr.kind === 'paren' ? withoutParens(expr.inner) : expr;
}

function isWindowed(expr: PromqlExpr): expr is MatrixSelector | Subquery {
  return expr.kind === 'matrix' || expr.kind === 'subquery';
}

function textOf(expr: PromqlExpr): string {
  const inner = withoutParens(expr);
  if (inner.kind !== 'string') throw new Error('a text argument is none; check.ts refuses that');
  return inner.value;
}

function isScalar(expr: PromqlExpr): boolean {
  switch (expr.kind) {
    case 'number':
      return true;
    case 'paren':
      return isScalar(expr.inner);
    case 'unary':
      return isScalar(expr.input);
    case 'binary':
      return isScalar(expr.left) && isScalar(expr.right);
    case 'call':
      return functions.get(expr.name)?.gives === 'scalar';
    case 'string':
    case 'vector':
    case 'matrix':
    case 'subquery':
    case 'aggregation':
      return false;
  }
}
