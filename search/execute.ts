import type { QueryAnswer, Storage, TenantId } from '../storage/index.ts';
import { budgetOf, type SearchOptions } from './budget.ts';
import type { AnswerFormat, Plan, Query } from './plan/generated.ts';
import { QueryQueue } from './queue.ts';

/** One question: whose data, which plan, in which form the answer's bytes are. */
export interface SearchRequest {
  /** One, or several for a federated read. */
  readonly tenants: readonly TenantId[];
  readonly plan: Plan;
  readonly answer: AnswerFormat;
  /** Less than the setting's, if given. */
  readonly timeoutMs?: number;
  /** An abort cancels the query in native code. */
  readonly signal?: AbortSignal;
}

/** Runs plans. */
export interface Search {
  /**
   * Answers with a whole response body.
   *
   * @throws VarveError QUERY_TIMEOUT, QUERY_BUDGET, QUERY_CANCELLED, QUERY_EXECUTION, QUERY_INVALID,
   *   REGEX_INVALID, and OVERLOADED when too many queries of the tenants wait already
   */
  run(request: SearchRequest): Promise<QueryAnswer>;
}

/** Search over what `storage` holds, each query within the budget that `options` give. */
export function createSearch(storage: Pick<Storage, 'query'>, options: SearchOptions): Search {
  const queue = new QueryQueue({
    runningMax: options.queriesRunningMax,
    waitingPerTenantMax: options.queriesWaitingPerTenantMax,
  });
  return {
    async run({ tenants, plan, answer, timeoutMs, signal }) {
      const budget = budgetOf(options, timeoutMs);
      const patience = { timeoutMs: budget.deadlineMs, signal };
      return await queue.run(tenants.join('|'), patience, async (waitedMs) => {
        // A client that gives up after a minute gives up on waiting and running together.
        const deadlineMs = Math.max(1, Math.ceil(budget.deadlineMs - waitedMs));
        const query: Query = {
          tenants: [...tenants],
          plan,
          answer,
          budget: { ...budget, deadlineMs },
          queuedUs: Math.round(waitedMs * 1_000),
        };
        return await storage.query(JSON.stringify(query), signal);
      });
    },
  };
}
