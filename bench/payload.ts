/** One request, encoded ahead of time so that the sender costs as little as it can. */
export interface Payload {
  readonly body: Uint8Array;
  readonly records: number;
}

/** All requests of one signal, and what queries must know about them. */
export interface PayloadSet<Facts> {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payloads: readonly Payload[];
  readonly facts: Facts;
}

/** The time over which a data set is spread: an hour that ends when it is made. */
export interface DataRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export const batchRecords = 1_000;

export function hourBefore(toMs: number): DataRange {
  return { fromMs: toMs - 3_600_000, toMs };
}

/** The time of record `index` of `count`, evenly spread, in nanoseconds. */
export function timeNsOf({ fromMs, toMs }: DataRange, index: number, count: number): bigint {
  return BigInt(fromMs) * 1_000_000n + (BigInt(toMs - fromMs) * 1_000_000n * BigInt(index)) / BigInt(count);
}
