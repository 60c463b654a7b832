import type { QueryAnswer, SqlAnswer, Storage, TenantId } from '../storage/index.ts';
import { budgetOf, type SearchOptions } from './budget.ts';
import type { AnswerFormat, AsOf, Budget, Plan, Query } from './plan/generated.ts';
import { QueryQueue } from './queue.ts';
import { runSql, type SqlStatement } from './sql.ts';

/** One question: whose data, which plan, in which form the answer's bytes are. */
export interface SearchRequest {
  /** One, or several for a federated read. */
  readonly tenants: readonly TenantId[];
  readonly plan: Plan;
  readonly answer: AnswerFormat;
  /** As of when rows are read; undefined: now. */
  readonly asOf?: AsOf | undefined;
  /** Less than the setting's, if given. */
  readonly timeoutMs?: number;
  /** The most series of the answer; undefined for all. */
  readonly seriesLimit?: number | undefined;
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
  /**
   * Answers a SQL statement.
   *
   * @throws QueryTextError with the place in the statement; VarveError as above
   */
  sql(request: SqlStatement): Promise<SqlAnswer>;
}

/** Search over what `storage` holds, each query within the budget that `options` give. */
export function createSearch(storage: Pick<Storage, 'query' | 'sql'>, options: SearchOptions): Search {
  const queue = new QueryQueue({
    runningMax: options.queriesRunningMax,
    waitingPerTenantMax: options.queriesWaitingPerTenantMax,
  });
  // A client that gives up after a minute gives up on waiting and running together.
  const inTurn = async <T>(
    { tenants, signal }: Pick<SearchRequest, 'tenants' | 'signal'>,
    budget: Budget,
    work: (left: Budget, waitedMs: number) => Promise<T>,
  ): Promise<T> =>
    await queue.run(tenants.join('|'), { timeoutMs: budget.deadlineMs, signal }, async (waitedMs) => {
      const deadlineMs = Math.max(1, Math.ceil(budget.deadlineMs - waitedMs));
      return await work({ ...budget, deadlineMs }, waitedMs);
    });
  return {
    run: async (request) =>
      await inTurn(request, budgetOf(options, request.timeoutMs), async (budget, waitedMs) => {
        const { tenants, plan, answer, asOf, seriesLimit, signal } = request;
        const queuedUs = Math.round(waitedMs * 1_000);
        const read = { ...(asOf && { asOf }), ...(seriesLimit !== undefined && { seriesLimit }) };
        const query: Query = { tenants: [...tenants], plan, answer, budget, queuedUs, ...read };
        return await storage.query(JSON.stringify(query), signal);
      }),
    sql: async (statement) =>
      await inTurn(
        statement,
        budgetOf(options, undefined),
        async (budget) => await runSql(storage, budget, statement),
      ),
  };
}
