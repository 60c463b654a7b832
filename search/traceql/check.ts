import { type Place, QueryTextError } from '../errors.ts';
import type { FieldExpr, FieldOp, Intrinsic, Static } from '../plan/generated.ts';
import { goRegexpFault } from '../text/go-regexp.ts';
import { showField } from './fields.ts';
import { showExpr } from './show.ts';
import type { Pipeline, PipelineStage, ScalarExpr } from './syntax.ts';

/** What is known of a value before any span is read; an attribute may hold anything. */
type FieldType = Static['type'] | 'attribute';

const intrinsicTypes: Readonly<Record<Intrinsic, FieldType>> = {
  duration: 'duration',
  name: 'string',
  kind: 'kind',
  status: 'status',
  statusMessage: 'string',
  spanId: 'string',
  parentId: 'string',
  childCount: 'int',
  nestedSetLeft: 'int',
  nestedSetRight: 'int',
  nestedSetParent: 'int',
  traceId: 'string',
  traceDuration: 'duration',
  rootName: 'string',
  rootServiceName: 'string',
  eventName: 'string',
  eventTimeSinceStart: 'duration',
  linkTraceId: 'string',
  linkSpanId: 'string',
  instrumentationName: 'string',
  instrumentationVersion: 'string',
};

/**
 * The types of a whole query.
 *
 * @throws QueryTextError in Tempo's words
 */
export function checkTraceql({ stages }: Pipeline): void {
  stages.forEach(checkStage);
}

function checkStage(stage: PipelineStage): void {
  switch (stage.kind) {
    case 'filter':
      checkCondition(stage.condition, stage.place);
      return;
    case 'combine':
    case 'structural':
      checkStage(stage.left);
      checkStage(stage.right);
      return;
    case 'pipeline':
      checkTraceql(stage);
      return;
    case 'scalarFilter':
      checkScalar(stage.left);
      checkScalar(stage.right);
      return;
    case 'by':
      typeOf(stage.by, stage.place);
      if (!mentionsSpan(stage.by))
        throw refusal(
          stage.place,
          `grouping field expressions must reference the span: ${showExpr(stage.by)}`,
        );
      return;
    case 'coalesce':
    case 'select':
      return;
  }
}

/** @throws QueryTextError when the condition is neither true nor false, or compares what it cannot */
export function checkCondition(condition: FieldExpr | null, place: Place): void {
  if (condition === null) return;
  const type = typeOf(condition, place);
  if (type !== 'bool' && type !== 'attribute')
    throw refusal(
      place,
      `span filter field expressions must resolve to a boolean: { ${showExpr(condition)} }`,
    );
}

/** What only a whole trace tells. */
const ofTrace: ReadonlySet<Intrinsic> = new Set([
  'traceId',
  'traceDuration',
  'rootName',
  'rootServiceName',
  'childCount',
  'nestedSetLeft',
  'nestedSetRight',
  'nestedSetParent',
]);

/** @throws QueryTextError when the condition reads a field that a span has only within its trace */
export function checkOfOneSpan(condition: FieldExpr, place: Place): void {
  switch (condition.kind) {
    case 'field': {
      const { field } = condition;
      if (field.kind === 'intrinsic' && ofTrace.has(field.name))
        throw refusal(place, `intrinsic is not supported by this filter: ${showField(field)}`);
      return;
    }
    case 'static':
      return;
    case 'not':
    case 'negate':
      checkOfOneSpan(condition.input, place);
      return;
    case 'binary':
      checkOfOneSpan(condition.left, place);
      checkOfOneSpan(condition.right, place);
      return;
  }
}

function checkScalar(expr: ScalarExpr): void {
  switch (expr.kind) {
    case 'aggregate': {
      if (expr.field === null) return;
      const shown = `${expr.aggregate}(${showExpr(expr.field)})`;
      const type = typeOf(expr.field, expr.place);
      if (type !== 'attribute' && !isNumeric(type))
        throw refusal(expr.place, `aggregate field expressions must resolve to a number type: ${shown}`);
      if (!mentionsSpan(expr.field))
        throw refusal(expr.place, `aggregate field expressions must reference the span: ${shown}`);
      return;
    }
    case 'constant': {
      const type = typeOf(expr.expr, expr.place);
      if (!isNumeric(type))
        throw refusal(expr.place, `illegal operation for the given types: ${showExpr(expr.expr)}`);
      return;
    }
    case 'operation':
      checkScalar(expr.left);
      checkScalar(expr.right);
      return;
  }
}

function typeOf(expr: FieldExpr, place: Place): FieldType {
  switch (expr.kind) {
    case 'field':
      return expr.field.kind === 'intrinsic' ? intrinsicTypes[expr.field.name] : 'attribute';
    case 'static':
      return expr.value.type;
    case 'not':
    case 'negate': {
      const type = typeOf(expr.input, place);
      const fits = expr.kind === 'not' ? type === 'bool' : isNumeric(type);
      if (!fits && type !== 'attribute')
        throw refusal(place, `illegal operation for the given type: ${showExpr(expr)}`);
      return type;
    }
    case 'binary': {
      const left = typeOf(expr.left, place);
      const right = typeOf(expr.right, place);
      if (!comparable(left, right))
        throw refusal(place, `binary operations must operate on the same type: ${showExpr(expr)}`);
      if (!accepts(expr.op, left) || !accepts(expr.op, right))
        throw refusal(place, `illegal operation for the given types: ${showExpr(expr)}`);
      checkExistence(expr, place);
      if (expr.op === '=~' || expr.op === '!~') checkExpression(expr.right, place);
      return resultOf(expr.op, left, right);
    }
  }
}

/** What values are matched with must be a text, and an expression that compiles. */
function checkExpression(expr: FieldExpr, place: Place): void {
  if (expr.kind !== 'static' || expr.value.type !== 'string')
    throw refusal(place, `invalid type for =~ or !~: ${showExpr(expr)}`);
  if (goRegexpFault(expr.value.value) !== undefined) throw refusal(place, `invalid regex: ${showExpr(expr)}`);
}

/** What every span has cannot be missing: `status = nil`. */
function checkExistence({ op, left, right }: FieldExpr & { kind: 'binary' }, place: Place): void {
  if (op !== '=') return;
  const [input, other] = isNil(left) ? [right, left] : [left, right];
  if (!isNil(other) || input.kind !== 'field') return;
  const shown = showField(input.field);
  if (input.field.kind === 'intrinsic')
    throw refusal(place, `${shown}=nil is not valid because intrinsics cannot be nil`);
  if (shown === 'resource.service.name')
    throw refusal(place, `${shown}=nil is not valid because ${shown} cannot be nil`);
}

function isNil(expr: FieldExpr): boolean {
  return expr.kind === 'static' && expr.value.type === 'nil';
}

function isNumeric(type: FieldType): boolean {
  return type === 'int' || type === 'float' || type === 'duration';
}

function comparable(left: FieldType, right: FieldType): boolean {
  if (left === right || [left, right].some((type) => type === 'attribute' || type === 'nil')) return true;
  return isNumeric(left) && isNumeric(right);
}

function accepts(op: FieldOp, type: FieldType): boolean {
  if (type === 'attribute') return true;
  switch (op) {
    case '&&':
    case '||':
      return type === 'bool';
    case '=':
    case '!=':
      return true;
    case '=~':
    case '!~':
      return type === 'string';
    case '<':
    case '<=':
    case '>':
    case '>=':
      return type === 'string' || isNumeric(type);
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '^':
      return isNumeric(type);
  }
}

function resultOf(op: FieldOp, left: FieldType, right: FieldType): FieldType {
  if (!['+', '-', '*', '/', '%', '^'].includes(op)) return 'bool';
  if (left === 'attribute' || right === 'attribute') return 'attribute';
  if (left === right) return left;
  return left === 'duration' || right === 'duration' ? 'duration' : 'float';
}

function mentionsSpan(expr: FieldExpr): boolean {
  switch (expr.kind) {
    case 'field':
      return true;
    case 'static':
      return false;
    case 'not':
    case 'negate':
      return mentionsSpan(expr.input);
    case 'binary':
      return mentionsSpan(expr.left) || mentionsSpan(expr.right);
  }
}

/** Tempo gives these errors no position; ours keep it in their fields. */
function refusal(place: Place, message: string): QueryTextError {
  return new QueryTextError('traceql', place, message);
}
