import { ConstructUnsupportedError, placeOf, QueryTextError } from '../errors.ts';
import type { PromqlHow } from '../how.ts';
import { equalityLabels, instant, matchingByAllLabels, number, steps } from '../plan/build.ts';
import type { NotePlace, Plan, SampleSelect, SeriesExpr, Steps, WindowFunction } from '../plan/generated.ts';
import { Durations, queryTime } from './durations.ts';
import { functions, type Lowering, typeNames, type ValueType } from './functions.ts';
import { firstMoment, infoMatchers } from './info.ts';
import type {
  Aggregation,
  BinaryExpr,
  Call,
  MatrixSelector,
  Modifiers,
  PromqlExpr,
  Subquery,
  VectorSelector,
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
  readonly #durations: Durations;

  constructor(text: string, how: PromqlHow) {
    this.#text = text;
    this.#how = how;
    this.#durations = new Durations(text, how);
  }

  /** A range vector as the whole query: stored samples, or a subquery's points. */
  rangeVector(expr: MatrixSelector | Subquery, time: bigint): Plan {
    if (expr.kind === 'matrix') {
      const range = this.#durations.range(expr.range).toString();
      return { node: 'samples', select: this.#select(expr), range, time: time.toString() };
    }
    const step = this.#step(expr);
    const until = (this.#moment(expr.at) ?? time) - this.#durations.offset(expr.offset);
    const first = nextMultiple(until - this.#durations.range(expr.range), step);
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
          select: this.#select(expr),
          lookback: this.#how.lookback.toString(),
          ...(expr.extension === 'smoothed' ? this.#notesAt(expr) : {}),
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

  #select(selector: VectorSelector | MatrixSelector): SampleSelect {
    const { matchers, extension } = selector;
    // A point is anchored to the sample before it anyway.
    const edges = selector.kind === 'vector' && extension === 'anchored' ? null : extension;
    const reach = this.#how.lookback.toString();
    return {
      matchers: [...matchers],
      ...this.#when(selector),
      extension: edges === null ? null : { edges, reach },
    };
  }

  #when({ offset, at }: Modifiers): { offset: string; at: string | null } {
    const back = this.#durations.offset(offset).toString();
    return { offset: back, at: this.#moment(at)?.toString() ?? null };
  }

  #step({ step }: Subquery): bigint {
    return step === null ? subqueryStepDefault : this.#durations.range(step);
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
      ...this.#notesAt(input, param ?? input),
    };
  }

  #binary(expr: BinaryExpr): SeriesExpr {
    const { op, left, right, returnBool, matching } = expr;
    const joins = !isScalar(left) && !isScalar(right);
    return {
      node: 'binary',
      op,
      left: this.series(left),
      right: this.series(right),
      returnBool,
      matching: joins ? (matching ?? matchingByAllLabels(op)) : null,
      ...this.#notesAt(expr),
    };
  }

  #call(call: Call): SeriesExpr {
    const { name, args } = call;
    const lowering: Lowering = functions.get(name)?.lowering ?? { to: 'nothing' };
    switch (lowering.to) {
      case 'call': {
        const lowered = args.map((arg) => this.series(arg));
        return { node: 'call', function: lowering.function, args: lowered, ...this.#callNotesAt(call) };
      }
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
        return number(queryTime(this.#how, lowering.of));
      case 'info':
        return this.#info(args);
      case 'nothing':
        throw this.#unsupported(call, `${name}()`);
    }
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
    const range = this.#durations.range(windowed.range).toString();
    if (windowed.kind === 'matrix')
      return {
        node: 'window',
        select: this.#select(windowed),
        range,
        function: windowFunction,
        args: others,
        ...this.#notesAt(windowed, args[0]),
      };
    return {
      node: 'subquery',
      input: this.series(windowed.input),
      range,
      step: this.#step(windowed).toString(),
      ...this.#when(windowed),
      function: windowFunction,
      args: others,
      ...this.#notesAt(windowed, args[0]),
    };
  }

  /** The info series are read at the time of the series that they complete. */
  #info([input, labels]: readonly PromqlExpr[]): SeriesExpr {
    if (input === undefined) throw new Error('info has no argument; check.ts refuses that');
    const matchers = infoMatchers(labels?.kind === 'vector' ? labels.matchers : []);
    const when = firstMoment(input, (offset) => this.#durations.offset(offset));
    const [offset, at] = [when.offset.toString(), this.#moment(when.at)?.toString() ?? null];
    return {
      node: 'info',
      input: this.series(input),
      select: { matchers, offset, at, extension: null },
      lookback: this.#how.lookback.toString(),
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

  /** What a node tells people points to what it computes with, or to its parameter. */
  #notesAt(input: PromqlExpr, param: PromqlExpr = input): { place: NotePlace } {
    return { place: { input: this.#lineAndColumn(input), param: this.#lineAndColumn(param) } };
  }

  /** Functions of histograms tell of those and of their quantile; sorting tells of itself. */
  #callNotesAt(call: Call): { place?: NotePlace } {
    const { name, args } = call;
    if (name.startsWith('sort')) return this.#notesAt(call);
    if (!name.startsWith('histogram_')) return {};
    const labelled = name === 'histogram_quantiles';
    const input = labelled ? args[0] : args.at(-1);
    return input === undefined ? {} : this.#notesAt(input, labelled ? args[2] : args[0]);
  }

  #lineAndColumn({ from }: PromqlExpr): string {
    const { line, column } = placeOf(this.#text, from);
    return `${line}:${column}`;
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
