import type { StoreStatus } from '../storage/index.ts';

/** One value of a metric. */
export interface Point {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric that is read from the store’s state. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (status: StoreStatus) => readonly Point[];
}

/** Seconds since a time in milliseconds; 0 for none. */
export const ageOf = (ms: number | null): number =>
  ms === null ? 0 : Math.max(0, (Date.now() - ms) / 1_000);
