import { parser as officialLogql } from '@grafana/lezer-logql';
import { parser as officialTraceql } from '@grafana/lezer-traceql';
import { parser as officialPromql } from '@prometheus-io/lezer-promql';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain, logql, type Plan, promql, QueryTextError, traceql } from './index.ts';
import * as logqlExamples from './logql/examples.ts';
import * as promqlExamples from './promql/examples.ts';
import * as traceqlExamples from './traceql/examples.ts';

const hour = 3_600_000_000_000n;
const languages = [
  {
    name: 'LogQL',
    examples: logqlExamples,
    official: officialLogql,
    plan: (text: string): Plan =>
      logql.plan(text, {
        kind: 'range',
        from: 0n,
        to: hour,
        step: hour,
        interval: 0n,
        limit: 1,
        direction: 'forward',
      }),
    start: 'vector(1)',
    chain: ' + 1',
    others: [(text: string) => logql.selector(text), (text: string) => logql.isMetric(text)],
    // Other comments than `#`, and words in capitals.
    lags: [
      '{app="a"} // all /* of it',
      '{app="a"} /* all\nof it */ |= "x"',
      'SUM(Rate({app="a"} | JSON | a="1" AND b="2" [5m])) BY (App)',
    ],
  },
  {
    name: 'PromQL',
    examples: promqlExamples,
    official: officialPromql,
    plan: (text: string): Plan => promql.plan(text, { kind: 'instant', time: hour, lookback: hour }),
    start: '1',
    chain: ' + 1',
    others: [(text: string) => promql.selector(text)],
    // Experimental functions.
    lags: ['max_of(1, scalar(up))', 'min_of(1, 2)'],
  },
  {
    name: 'TraceQL',
    examples: traceqlExamples,
    official: officialTraceql,
    plan: (text: string): Plan =>
      traceql.plan(text, { from: 0n, to: hour, limit: 1, spansPerSet: 1, summariesOnly: false }),
    start: '{ }',
    chain: ' >> { }',
    others: [(text: string) => traceql.field(text), (text: string) => traceql.condition(text)],
    // Lengths in days, nestedSetParent, and texts in hints.
    lags: [
      '{ duration > 1.5s && span:duration <= 250ms && traceDuration < 1d }',
      '{ nestedSetParent < 0 && span:childCount = 0 && trace:rootService = rootServiceName }',
      '{ } with (most_recent=true, x="y")',
    ],
  },
];

/** What the call throws, if it does. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

/** Examples with pieces cut out, doubled, swapped in from others, or nested in brackets. */
function mutated(texts: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.tuple(fc.constantFrom(...texts), fc.nat(60), fc.nat(20));
  const noise = fc.oneof(
    fc.string({ maxLength: 4 }),
    fc.constantFrom(
      '(',
      ')',
      '{',
      '}',
      '[',
      ']',
      '"',
      '`',
      '\\',
      ' by ',
      '-',
      '|',
      '\n',
      '#',
      '\u{1F600}',
      '9',
    ),
  );
  return fc.tuple(piece, piece, noise, fc.nat(300)).map(([[a, from, length], [b, at], extra, depth]) => {
    const cut = a.slice(0, from) + extra + a.slice(from + length);
    const joined = cut + b.slice(at);
    return depth > 290 ? '('.repeat(depth * 50) + joined : joined;
  });
}

describe.each(languages)('$name', ({ examples, official, plan, others, start, chain, lags }) => {
  const queries = [...examples.planned, ...examples.refused].map(([query]) => query);

  it('is planned, or refused with a QueryTextError, whatever is asked', () => {
    fc.assert(
      fc.property(fc.oneof(mutated(queries), fc.string({ unit: 'binary' })), (text) => {
        const thrown = [plan, ...others].map((ask) => thrownBy(() => ask(text)));
        for (const error of thrown.filter((error) => error !== undefined))
          expect(error).toBeInstanceOf(QueryTextError);
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives plans that can be explained and cross as JSON unchanged', () => {
    fc.assert(
      fc.property(mutated(queries), (text) => {
        if (thrownBy(() => plan(text)) !== undefined) return;
        const made = plan(text);
        expect(explain(made)).not.toContain('undefined');
        expect(JSON.parse(JSON.stringify(made))).toEqual(made);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['(', 5_000, 'nested deeper than 200 levels; write a flatter query'],
    [chain, 5_000, 'more than 1000 operators; ask several queries'],
    [chain, 200, 'the query nests too many operations in each other'],
  ])('%j repeated %d times is refused: %s', (piece, times, message) => {
    expect(() => plan(start.repeat(Number(piece !== '(')) + piece.repeat(times))).toThrow(message);
  });

  it('accepts nothing that the editor’s grammar does not, save where that one lags', () => {
    const unknown = examples.planned
      .map(([query]) => query)
      .filter((query) => hasError(official.parse(query)));
    expect(unknown).toEqual(lags);
  });
});

describe('hundreds of alternatives', () => {
  const alternatives = (one: string, join: string): string => Array(500).fill(one).join(join);

  it.each([
    ['LogQL', () => languages[0]?.plan(`{app="a"} | ${alternatives('a="x"', ' or ')}`)],
    ['TraceQL', () => languages[2]?.plan(`{ ${alternatives('.a = 1', ' || ')} }`)],
    ['TraceQL span sets', () => languages[2]?.plan(alternatives('{ .a }', ' && '))],
  ])('are no deeper than native code reads, in %s', (_, plan) => {
    expect(plan).not.toThrow();
  });
});

function hasError(tree: ReturnType<typeof officialLogql.parse>): boolean {
  let found = false;
  tree.iterate({
    enter: ({ type }) => {
      found ||= type.isError;
    },
  });
  return found;
}
