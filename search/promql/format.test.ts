import { describe, expect, it } from 'vitest';
import type { PromqlHow } from '../how.ts';
import { planned } from './examples.ts';
import { promql } from './promql.ts';

const second = 1_000_000_000n;
const range: PromqlHow = {
  kind: 'range',
  start: 9_000n * second,
  end: 9_600n * second,
  step: 60n * second,
  lookback: 300n * second,
};

/** Without the order in which matchers stand: they are printed sorted. */
function meaning(query: string): unknown {
  const inOrder = (key: string, value: unknown): unknown => {
    // Where notes point to is another place once the query is laid out.
    if (key === 'place') return undefined;
    return key === 'matchers' && Array.isArray(value)
      ? value.map((one) => JSON.stringify(one)).sort()
      : value;
  };
  return JSON.parse(JSON.stringify(promql.plan(query, range), inOrder));
}

describe('a formatted query', () => {
  it.each([
    ['foo/bar', 'foo / bar'],
    ['sum   by(job)(rate(up{b="2",a="1"}[5m]))', 'sum by (job) (rate(up{a="1",b="2"}[5m]))'],
    ['sum(up) by ()', 'sum(up)'],
    ['sum(up) without ()', 'sum without () (up)'],
    ['topk(3,up)', 'topk(3, up)'],
    ['a*on(x)group_left(y)b', 'a * on (x) group_left (y) b'],
    ['a>bool ignoring()b', 'a > bool b'],
    ['up@1700000000.5 offset -90s', 'up @ 1700000000.500 offset -1m30s'],
    ['rate(up[5m])[1h:]@end()', 'rate(up[5m])[1h:] @ end()'],
    ['-(1e3)+Inf', '-(1000) + +Inf'],
    ['5m+0x1F', '5m + 31'],
    ["'it\\'s'", '"it\'s"'],
    ['{"a.b",c=~"d|e"}', '{__name__="a.b",c=~"d|e"}'],
    ['sum by("a.b")(up)', 'sum by ("a.b") (up)'],
    ['up[5m]anchored @0', 'up[5m] anchored @ 0.000'],
    ['up smoothed offset 1m', 'up smoothed offset 1m'],
    ['up offset STEP()', 'up offset step()'],
    ['up[5m+step()*2] offset -(range())', 'up[5m + step() * 2] offset -(range())'],
    ['a+fill_right(1)fill_left(.5)b', 'a + fill_left (0.5) fill_right (1) b'],
    ['a+on(x)fill(0)b', 'a + on (x) fill (0) b'],
    ['up[min_of(1m,step()):]', 'up[min_of(1m, step()):]'],
    ['info(up,{})', 'info(up, {})'],
  ])('%s becomes %s', (query, formatted) => {
    expect(promql.format(query)).toBe(formatted);
  });

  it('has a line for each operand and argument where it is long', () => {
    const rate = 'rate(http_server_request_duration_seconds_count{job="checkout"}[5m])';
    expect(promql.format(`sum by (route) (${rate}) / quantile(0.5, -(${rate} + ${rate}))`)).toBe(
      `  sum by (route) (${rate})
/
  quantile(
    0.5,
    -(
        ${rate}
      +
        ${rate}
    )
  )`,
    );
  });

  it.each(planned)('%s means what it meant', (query) => {
    expect(meaning(promql.format(query))).toEqual(meaning(query));
  });
});

describe('a syntax tree', () => {
  it('has what operators and selectors say', () => {
    expect(promql.tree('sum by (a) (rate(x{b!="c"}[5m] offset 1m)) > bool 2')).toEqual({
      type: 'binaryExpr',
      op: '>',
      bool: true,
      matching: null,
      rhs: { type: 'numberLiteral', val: '2' },
      lhs: {
        type: 'aggregation',
        op: 'sum',
        param: null,
        grouping: ['a'],
        without: false,
        expr: {
          type: 'call',
          func: { name: 'rate', argTypes: ['matrix'], variadic: 0, returnType: 'vector' },
          args: [
            {
              type: 'matrixSelector',
              name: 'x',
              matchers: [
                { name: 'b', value: 'c', type: '!=' },
                { name: '__name__', value: 'x', type: '=' },
              ],
              range: 300_000,
              rangeExpr: null,
              offset: 60_000,
              offsetExpr: null,
              timestamp: null,
              startOrEnd: null,
              anchored: false,
              smoothed: false,
            },
          ],
        },
      },
    });
  });

  it('has a name only where one stands before the braces', () => {
    expect(promql.tree('{__name__="up"}')).toMatchObject({ name: '', matchers: [{ name: '__name__' }] });
    expect(promql.format('{job="x", __name__="up"}')).toBe('{__name__="up",job="x"}');
  });

  it('says how vectors find each other', () => {
    expect(promql.tree('a and b')).toMatchObject({
      matching: { card: 'many-to-many', on: false, labels: [] },
    });
    expect(promql.tree('a * on (x) group_left (y) b')).toMatchObject({
      matching: { card: 'many-to-one', on: true, labels: ['x'], include: ['y'] },
    });
  });

  it('is refused for a query that is none', () => {
    expect(() => promql.tree('sum(')).toThrow('parse error');
  });
});
