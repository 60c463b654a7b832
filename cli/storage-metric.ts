import type { StoreStatus } from '../storage/index.ts';

export interface Point {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface StorageMetric {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (status: StoreStatus) => readonly Point[];
}
