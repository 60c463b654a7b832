import { type SqlAnswer, type Storage, type TenantId, VarveError } from '../storage/index.ts';
import { QueryTextError } from './errors.ts';
import type { AsOf, Budget } from './plan/generated.ts';

/** How native code writes the answer. */
export type SqlFormat = 'json' | 'csv' | 'arrow';

/** A statement over the tables `logs`, `spans` and `samples` (docs/sql.md). */
export interface SqlStatement {
  /** One, or several for a federated read: the column `tenant` tells whose a row is. */
  readonly tenants: readonly TenantId[];
  readonly statement: string;
  readonly format: SqlFormat;
  /** The most rows that are answered; a warning says when there were more. */
  readonly rowsMax: number;
  /** As of when rows are read; undefined: now. */
  readonly asOf?: AsOf | undefined;
  /** An abort cancels the statement in native code. */
  readonly signal?: AbortSignal;
}

/** As native code takes it. */
interface SqlRequest {
  readonly tenants: readonly string[];
  readonly statement: string;
  readonly format: SqlFormat;
  readonly rowsMax: number;
  readonly asOf?: AsOf | undefined;
  readonly budget: Budget;
}

/** @throws QueryTextError with the place in the statement where that is known; VarveError QUERY_* */
export async function runSql(
  storage: Pick<Storage, 'sql'>,
  budget: Budget,
  { signal, ...statement }: SqlStatement,
): Promise<SqlAnswer> {
  const request: SqlRequest = { ...statement, budget };
  const outcome = await storage.sql(JSON.stringify(request), signal);
  if (outcome.kind === 'answered') return outcome;
  if (outcome.place === undefined) throw new VarveError('QUERY_INVALID', outcome.message);
  throw new QueryTextError('sql', outcome.place, outcome.message);
}
