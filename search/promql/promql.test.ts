import { describe, expect, it } from 'vitest';
import { QueryTextError } from '../errors.ts';
import type { PromqlHow } from '../how.ts';
import { explain } from '../plan/explain.ts';
import { planned, refused } from './examples.ts';
import { promql } from './promql.ts';

const second = 1_000_000_000n;
const range: PromqlHow = {
  kind: 'range',
  start: 0n,
  end: 600n * second,
  step: 60n * second,
  lookback: 300n * second,
};
const instant: PromqlHow = { kind: 'instant', time: 900n * second, lookback: 60n * second };

describe('a PromQL query', () => {
  it.each(planned)('%s is planned as %s', (query, plan) => {
    expect(explain(promql.plan(query, range))).toBe(`series prometheus 0s to 600s by 60s: ${plan}`);
  });
  it.each(refused)('%s is refused: %s', (query, message) => {
    expect(() => promql.plan(query, range)).toThrow(expect.objectContaining({ message }));
  });

  it('at an instant carries its time and lookback', () => {
    expect(explain(promql.plan('up @ start()', instant))).toBe(
      'series prometheus at 900s: {__name__="up"} @ 900s lookback 60s',
    );
  });
  it('may be a text at an instant', () => {
    expect(explain(promql.plan(String.raw`'it\'s'`, instant))).toBe(`series prometheus at 900s: "it's"`);
  });
  it.each([
    ['up[5m]', 'samples at 900s: {__name__="up"}[300s]'],
    ['(up[5m] offset 1m)', 'samples at 900s: {__name__="up"}[300s] offset 60s'],
    ['up[2m:50s]', 'series prometheus 800s to 900s by 50s: {__name__="up"} lookback 60s'],
    ['up[2m:50s] @ 700', 'series prometheus 600s to 700s by 50s: {__name__="up"} lookback 60s'],
    ['up[10s:7s] offset 5s', 'series prometheus 889s to 895s by 7s: {__name__="up"} lookback 60s'],
  ])('%s at an instant gives its points: %s', (query, plan) => {
    expect(explain(promql.plan(query, instant))).toBe(plan);
  });
  it('of a subquery with no point in its range is empty, whatever the data', () => {
    expect(explain(promql.plan('up[1s:7s]', instant))).toContain(' unless ');
  });
  it('of a range gives no range vector', () => {
    expect(() => promql.plan('up[5m]', range)).toThrow(
      'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
    );
  });
  it('tells in its error where it was wrong', () => {
    try {
      promql.plan('sum(\n  rate(up)\n)', range);
      expect.unreachable();
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(QueryTextError);
      expect(thrown).toMatchObject({ language: 'promql', line: 2, column: 8 });
    }
  });
});

describe('a series selector', () => {
  it('gives its matchers, the name among them', () => {
    expect(promql.selector('up{job!="a"}')).toEqual([
      { name: '__name__', op: '=', value: 'up' },
      { name: 'job', op: '!=', value: 'a' },
    ]);
  });
  it.each([
    ['up[5m]', 'expected a series selector such as up{job="api"}, got "up[5m]"'],
    ['up offset 5m', 'expected a series selector'],
    ['sum(up)', 'expected a series selector'],
    ['{}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
  ])('%s is none: %s', (text, message) => {
    expect(() => promql.selector(text)).toThrow(message);
  });
});
