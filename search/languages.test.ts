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
    others: [(text: string) => logql.selector(text), (text: string) => logql.isMetric(text)],
    lags: [],
  },
  {
    name: 'PromQL',
    examples: promqlExamples,
    official: officialPromql,
    plan: (text: string): Plan => promql.plan(text, { kind: 'instant', time: hour, lookback: hour }),
    others: [(text: string) => promql.selector(text)],
    lags: [],
  },
  {
    name: 'TraceQL',
    examples: traceqlExamples,
    official: officialTraceql,
    plan: (text: string): Plan => traceql.plan(text, { from: 0n, to: hour, limit: 1, spansPerSet: 1 }),
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

describe.each(languages)('$name', ({ examples, official, plan, others, lags }) => {
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

  it('accepts nothing that the editor’s grammar does not, save where that one lags', () => {
    const unknown = examples.planned
      .map(([query]) => query)
      .filter((query) => hasError(official.parse(query)));
    expect(unknown).toEqual(lags);
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
