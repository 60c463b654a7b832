import type { Budget } from './plan/generated.ts';

/** What queries may cost at most; each is a setting (`docs/configuration.md`). */
export interface SearchOptions {
  readonly queryTimeoutMs: number;
  readonly queryMemoryMaxBytes: number;
  readonly querySeriesMax: number;
  readonly querySamplesMax: number;
  /** Queries that run at once; not a setting. */
  readonly queriesRunningMax: number;
  readonly queriesWaitingPerTenantMax: number;
}

/** The budget of one query. A client may ask for less time than the setting allows, not for more. */
export function budgetOf(options: SearchOptions, timeoutMs: number | undefined): Budget {
  const deadlineMs = Math.min(timeoutMs ?? options.queryTimeoutMs, options.queryTimeoutMs);
  return {
    deadlineMs: Math.max(1, Math.ceil(deadlineMs)),
    memoryMaxBytes: options.queryMemoryMaxBytes,
    seriesMax: options.querySeriesMax,
    samplesMax: options.querySamplesMax,
  };
}
