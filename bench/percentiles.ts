/** The middle and the slow end of a set of times, in milliseconds. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * The value below or at which `fraction` of the values lie: the nearest rank, so always one that was
 * measured. Of 30 values the 99th percentile is the largest.
 *
 * @throws RangeError when there are no values, or `fraction` is not within (0, 1]
 */
export function percentile(values: readonly number[], fraction: number): number {
  if (!(fraction > 0 && fraction <= 1)) throw new RangeError(`fraction ${fraction} is not within (0, 1]`);
  const ascending = values.toSorted((one, other) => one - other);
  const found = ascending[Math.ceil(fraction * ascending.length) - 1];
  if (found === undefined) throw new RangeError('no values to take a percentile of');
  return found;
}

/** @throws RangeError when nothing was measured */
export function latencyOf(timesMs: readonly number[]): Latency {
  return { p50Ms: percentile(timesMs, 0.5), p99Ms: percentile(timesMs, 0.99) };
}
