import { describe, expect, it } from 'vitest';
import { QueryTextError } from '../errors.ts';
import type { LogqlInstant, LogqlRange } from '../how.ts';
import { explain } from '../plan/explain.ts';
import { planned, refused } from './examples.ts';
import { logql } from './logql.ts';

const hour = 3_600_000_000_000n;
const range: LogqlRange = {
  kind: 'range',
  from: 0n,
  to: hour,
  step: hour / 60n,
  interval: 0n,
  limit: 100,
  direction: 'backward',
};
const instant: LogqlInstant = { kind: 'instant', time: hour, limit: 100, direction: 'forward' };

describe('a LogQL query', () => {
  it.each(planned)('%s is planned as %s', (query, plan) => {
    expect(explain(logql.plan(query, range))).toContain(plan);
  });
  it.each(refused)('%s is refused: %s', (query, message) => {
    expect(() => logql.plan(query, range)).toThrow(expect.objectContaining({ message }));
  });

  it('for lines carries range, limit, direction and interval', () => {
    const plan = logql.plan('{app="a"}', { ...range, interval: 5_000_000_000n, direction: 'forward' });
    expect(explain(plan)).toBe('logs {app="a"} [0s, 3600s) limit 100 forward every 5s');
  });
  it('for series carries its steps, or its instant', () => {
    expect(explain(logql.plan('vector(1)', range))).toBe('series loki 0s to 3600s by 60s: vector(1)');
    expect(explain(logql.plan('vector(1)', instant))).toBe('series loki at 3600s: vector(1)');
  });
  it('counts approximately at an instant, and exactly at that', () => {
    expect(explain(logql.plan('approx_topk(2, rate({app="a"}[1m]))', instant))).toContain(
      'topk(2, rate({app="a"} [60s]))',
    );
  });
  it('for lines is refused at an instant', () => {
    expect(() => logql.plan('{app="a"}', instant)).toThrow(
      'log queries are not supported as an instant query type, please change your query to a range query type',
    );
  });
  it('tells in its error where it was wrong', () => {
    try {
      logql.plan('{app="a"}\n | json\n | x=', range);
      expect.unreachable();
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(QueryTextError);
      expect(thrown).toMatchObject({ language: 'logql', line: 3, column: 6 });
    }
  });
  it.each([
    ['1 / 0', 'NaN'],
    ['-7 % 4', '-3'],
    ['1 ^ (1 / 0)', '1'],
    ['2 >= 2', '1'],
  ])('%s of numbers alone is reckoned at once: %s', (text, value) => {
    expect(explain(logql.plan(text, instant))).toBe(`series loki at 3600s: ${value}`);
  });
  it('may not have 128 KiB or more, as in Loki', () => {
    const long = `{app="a"} |= "${'ä'.repeat(65_530)}"`;
    const message = 'parse error : input size too long (131075 > 131072)';
    expect(() => logql.plan(long, range)).toThrow(expect.objectContaining({ message }));
    expect(() => logql.selector(long)).toThrow(expect.objectContaining({ message }));
    expect(logql.isMetric(long.replace('ääää', ''))).toBe(false);
  });
  it('tells what it reads', () => {
    const app = [{ name: 'app', op: '=', value: 'a' }];
    const other = [{ name: 'app', op: '=~', value: 'b.+' }];
    expect(logql.reads('{app="a"} | json')).toEqual([{ matchers: app, window: null }]);
    const sum = 'topk(1, rate({app="a"}[1h])) / sum(rate({app=~"b.+"} | json [1s])) + vector(1) * 2';
    expect(logql.reads(sum)).toEqual([
      { matchers: app, window: hour },
      { matchers: other, window: 1_000_000_000n },
    ]);
  });
  it('is a metric query when it gives series', () => {
    expect(['{app="a"} | json', 'rate({app="a"}[1m])', '1 + 1'].map((text) => logql.isMetric(text))).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('a stream selector', () => {
  it('gives its matchers', () => {
    expect(logql.selector('{app="a", env=~"b|c"}')).toEqual([
      { name: 'app', op: '=', value: 'a' },
      { name: 'env', op: '=~', value: 'b|c' },
    ]);
  });
  it('may be empty, for all streams, unless that is too much', () => {
    expect(logql.selector('{}')).toEqual([]);
    expect(() => logql.narrowSelector('{}')).toThrow('queries require at least one regexp or equality');
  });
  it.each([
    ['{app="a"} |= "x"', 'only label matchers are supported'],
    ['{app=~".*"}', 'queries require at least one regexp or equality matcher'],
    ['rate({app="a"}[1m])', 'parse error at line 1, col 1: syntax error: unexpected RATE'],
  ])('%s is refused: %s', (text, message) => {
    expect(() => logql.selector(text)).toThrow(message);
  });
});
