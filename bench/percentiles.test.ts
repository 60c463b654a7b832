import { describe, expect, it } from 'vitest';
import { latencyOf, percentile } from './percentiles.ts';

describe('a percentile', () => {
  it('is the nearest rank, a value that was measured', () => {
    const values = [40, 10, 30, 20];
    expect([0.25, 0.5, 0.51, 0.75, 1].map((fraction) => percentile(values, fraction))).toEqual([
      10, 20, 30, 30, 40,
    ]);
  });

  it('of one value is that value', () => {
    expect(latencyOf([7])).toEqual({ p50Ms: 7, p99Ms: 7 });
  });

  it('leaves the slowest of a hundred out at p99', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(latencyOf(values)).toEqual({ p50Ms: 50, p99Ms: 99 });
  });

  it('of nothing is refused', () => {
    expect(() => percentile([], 0.5)).toThrow('no values to take a percentile of');
  });

  it.each([0, 1.1, Number.NaN])('at fraction %d is refused', (fraction) => {
    expect(() => percentile([1], fraction)).toThrow('is not within (0, 1]');
  });
});
