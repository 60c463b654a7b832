import fc from 'fast-check';
import type { Entry } from './model.ts';
import type { Filter, Grouping, LogQuery, Matcher, Metric, Stage, TextOp, Window } from './syntax.ts';

/** Labels that every stream has, so that none is added for us. */
export const constant = { service_name: 'model', detected_level: 'info' };

const apps = ['shop', 'cart', 'mail'];
const words = ['payment', 'declined', 'timeout', 'ok', 'größe', 'a "quoted" word'];
const users = ['u1', 'u2', 'ada'];
const numbers = ['0', '7', '200', '404', '500', '1.5', '-3'];
/** Names that lines, metadata and streams have: some in two of them. */
const names = [
  'app',
  'env',
  'user',
  'user_id',
  'status',
  'msg',
  'level',
  'trace',
  'ok',
  'app_extracted',
  'nothing',
];
const numeric = ['status', 'took', 'user_id'];

const word = fc.constantFrom(...words);
const name = fc.constantFrom(...names);

/** Entries a second apart, in the order of time. */
export const entries: fc.Arbitrary<readonly Entry[]> = fc
  .array(
    fc.record({
      stream: fc.record(
        {
          app: fc.constantFrom(...apps),
          env: fc.constantFrom('prod', 'dev'),
        },
        { requiredKeys: ['app'] },
      ),
      metadata: fc.record(
        { trace: fc.constantFrom('t1', 't2'), user: fc.constantFrom(...users) },
        { requiredKeys: [] },
      ),
      line: fc.oneof(jsonLine(), logfmtLine(), word, fc.constant('{"msg":"cut')),
    }),
    { minLength: 60, maxLength: 60 },
  )
  .map((made) =>
    made.map(({ stream, metadata, line }, at) => ({
      timeSeconds: at,
      stream: { ...stream, service_name: constant.service_name },
      metadata: { ...metadata, detected_level: constant.detected_level },
      line,
    })),
  );

function jsonLine(): fc.Arbitrary<string> {
  return fc
    .record(
      {
        level: fc.constantFrom('info', 'warn'),
        status: fc.oneof(fc.constantFrom(...numbers).map(Number), fc.constant('none')),
        msg: word,
        app: fc.constantFrom(...apps),
        user: fc.oneof(
          fc.constantFrom(...users),
          fc.record({ id: fc.constantFrom(1, 7, 42), 'e-mail': fc.constant('a@b') }),
        ),
        took: fc.constantFrom(0.25, 3, 1000),
        ok: fc.boolean(),
        tags: fc.constant(['a', { b: 1 }]),
        none: fc.constant(null),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value));
}

function logfmtLine(): fc.Arbitrary<string> {
  const pair = fc.oneof(
    fc.constantFrom(...numbers).map((number) => `status=${number}`),
    fc.constantFrom(...users).map((user) => `user=${user}`),
    fc.constantFrom('payment declined', 'ok').map((text) => `msg="${text}"`),
    fc.constantFrom('level=warn', 'took=3', 'empty=', 'app=web', 'status=none'),
  );
  return fc
    .uniqueArray(pair, { minLength: 1, maxLength: 4, selector: (text) => text.split('=')[0] })
    .map((pairs) => pairs.join(' '));
}

const textOp = fc.constantFrom<TextOp>('=', '!=', '=~', '!~');

const matchers: fc.Arbitrary<readonly Matcher[]> = fc.tuple(
  fc.constant<Matcher>({ name: 'service_name', op: '=', value: constant.service_name }),
  fc.record({
    name: fc.constantFrom('app', 'env'),
    op: textOp,
    value: fc.constantFrom('shop', 'cart|mail', 'prod', ''),
  }),
);

function filter(depth: number): fc.Arbitrary<Filter> {
  const text = fc.record({
    kind: fc.constant('text' as const),
    name,
    op: textOp,
    value: fc.constantFrom('', 'shop', 'u1', 'u.*', '200', 'ok|true', 'payment declined'),
  });
  const number = fc.record({
    kind: fc.constant('number' as const),
    name: fc.constantFrom(...numeric),
    op: fc.constantFrom(
      '==' as const,
      '!=' as const,
      '>' as const,
      '>=' as const,
      '<' as const,
      '<=' as const,
    ),
    value: fc.constantFrom(0, 3, 200, 404),
  });
  if (depth === 0) return fc.oneof(text, number);
  const both = fc.record({
    kind: fc.constantFrom('and' as const, 'or' as const),
    left: filter(depth - 1),
    right: filter(depth - 1),
  });
  return fc.oneof({ weight: 3, arbitrary: text }, { weight: 3, arbitrary: number }, both);
}

const lineStage: fc.Arbitrary<Stage> = fc.oneof(
  fc.record({
    kind: fc.constant('line' as const),
    op: fc.constantFrom('|=' as const, '!=' as const),
    texts: fc.array(fc.constantFrom('payment', 'decl', 'status', '200', 'größe', 'ok', '"quoted'), {
      minLength: 1,
      maxLength: 2,
    }),
  }),
  fc.record({
    kind: fc.constant('line' as const),
    op: fc.constantFrom('|~' as const, '!~' as const),
    texts: fc.array(fc.constantFrom('pay(ment)?', '^.{0,20}$', 'status.?.?=?[45]'), {
      minLength: 1,
      maxLength: 1,
    }),
  }),
);

/** Of a line that is cut off, paths read what is there, as in Loki; the model reads whole ones. */
const wholeLines: Stage = { kind: 'line', op: '!=', texts: ['cut'] };

/** Lines of JSON are no pairs; who reads pairs leaves them out first. */
const parser: fc.Arbitrary<readonly Stage[]> = fc.oneof(
  fc.constant<readonly Stage[]>([{ kind: 'json' }]),
  fc.constant<readonly Stage[]>([{ kind: 'line', op: '!=', texts: ['{', 'quoted'] }, { kind: 'logfmt' }]),
  fc
    .record({
      kind: fc.constant('jsonPath' as const),
      label: fc.constantFrom('status', 'app', 'who'),
      path: fc.constantFrom<readonly string[]>(['status'], ['user', 'id'], ['msg'], ['none']),
    })
    .map((stage) => [wholeLines, stage]),
);

const filterStage: fc.Arbitrary<Stage> = fc.record({
  kind: fc.constant('filter' as const),
  filter: filter(1),
});
const noErrors: Stage = { kind: 'filter', filter: { kind: 'text', name: '__error__', op: '=', value: '' } };

const lastStage: fc.Arbitrary<Stage> = fc.oneof(
  fc.record({
    kind: fc.constant('rename' as const),
    to: fc.constantFrom('who', 'app', 'fresh'),
    from: fc.constantFrom('user', 'status', 'nothing'),
  }),
  fc.record({
    kind: fc.constant('lineFormat' as const),
    labels: fc.array(name, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constantFrom('drop' as const, 'keep' as const),
    names: fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
  }),
);

export const logQuery: fc.Arbitrary<LogQuery> = fc
  .record({
    matchers,
    before: fc.array(lineStage, { maxLength: 2 }),
    parsers: fc.array(parser, { maxLength: 2 }),
    filters: fc.array(filterStage, { maxLength: 2 }),
    clean: fc.boolean(),
    last: fc.array(lastStage, { maxLength: 1 }),
  })
  .map(({ matchers: selector, before, parsers, filters, clean, last }) => ({
    matchers: selector,
    stages: [...before, ...parsers.flat(), ...filters, ...(clean ? [noErrors] : []), ...last],
  }));

const window: fc.Arbitrary<Window> = fc.record({
  kind: fc.constant('window' as const),
  log: logQuery,
  // At least a step, so that no entry is between the windows.
  rangeSeconds: fc.constantFrom(10, 15, 60),
  offsetSeconds: fc.constantFrom(0, 0, 5),
  of: fc.oneof(
    fc.record({
      function: fc.constantFrom(
        'count_over_time' as const,
        'rate' as const,
        'bytes_over_time' as const,
        'bytes_rate' as const,
      ),
    }),
    fc.record({
      function: fc.constantFrom(
        'sum_over_time' as const,
        'avg_over_time' as const,
        'min_over_time' as const,
        'max_over_time' as const,
        'first_over_time' as const,
        'last_over_time' as const,
        'stdvar_over_time' as const,
      ),
      unwrap: fc.constantFrom(...numeric),
      skipsErrors: fc.boolean(),
    }),
  ),
});

const grouping: fc.Arbitrary<Grouping | null> = fc.option(
  fc.record({ without: fc.boolean(), labels: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }) }),
);

const plainMetric = fc.oneof(
  window,
  fc.record({
    kind: fc.constant('aggregate' as const),
    op: fc.constantFrom(
      'sum' as const,
      'sum' as const,
      'avg' as const,
      'min' as const,
      'max' as const,
      'count' as const,
    ),
    grouping,
    input: window,
  }),
);

export const metricQuery: fc.Arbitrary<Metric> = fc.oneof(
  { weight: 3, arbitrary: plainMetric },
  fc.record({
    kind: fc.constant('withNumber' as const),
    op: fc.constantFrom('+' as const, '*' as const, '>' as const, '<=' as const),
    input: plainMetric,
    number: fc.constantFrom(1, 2.5),
  }),
);
