import {
  type AppendRequest,
  type Expired,
  type JournalFiles,
  NativeStore,
  type NewHold,
  type PinnedFiles,
  type QueryAnswer,
  type Receipt,
  type SqlOutcome,
  type StoreStatus,
  VarveError,
} from '../native/index.ts';
import { isUnfinishedRestore } from './backup.ts';
import { type Deletes, deletesOf } from './deletes.ts';
import type { StorageOptions } from './options.ts';

export {
  type AppendRequest,
  type BodyEncoding,
  type BodyFormat,
  type ErrorCode,
  type Expired,
  type HoldStatus,
  type JournalFiles,
  type NewHold,
  type PinnedFiles,
  type QueryAnswer,
  type QueryStats,
  type Receipt,
  type Refusal,
  type SqlAnswer,
  type SqlOutcome,
  type StoreStatus,
  VarveError,
} from '../native/index.ts';
export { backUp, type CopyProgress, type CopySummary, restore } from './backup.ts';
export type {
  DeleteRequest,
  Deletes,
  LabelMatch,
  LineMatch,
  MatchKind,
  NewDelete,
  SpanField,
  SpanMatch,
} from './deletes.ts';
export { labelMatches, matchKinds } from './deletes.ts';
export { parseTenant, type TenantId } from './model/tenant.ts';
export type { StorageOptions } from './options.ts';
export { backUpRunning, type RunningStore } from './running-backup.ts';
export {
  type CheckReport,
  checkStore,
  type RepairReport,
  repairStore,
  type UpkeepProgress,
} from './upkeep.ts';

/** Where records go and what queries run on. */
export interface Storage {
  /** Before a body is read. @throws VarveError OVERLOADED */
  checkRoom(): void;
  append(request: AppendRequest): Promise<Receipt>;
  /** `queryJson` is a `Query` of the plan algebra (`search/plan/generated.ts`). */
  query(queryJson: string, signal?: AbortSignal): Promise<QueryAnswer>;
  /** `requestJson` is a `SqlRequest` (`search/sql.ts`). */
  sql(requestJson: string, signal?: AbortSignal): Promise<SqlOutcome>;
  status(): StoreStatus;
  /** Keeps records of the log for a while. @throws VarveError HOLD_REFUSED, READ_ONLY */
  hold(hold: NewHold): Promise<void>;
  /** Lets a hold go; false if there is none of that name. */
  release(name: string): Promise<boolean>;
  seal(): Promise<void>;
  /** Seals, and keeps the files that the manifest then names until they are let go. */
  pin(): Promise<PinnedFiles>;
  unpin(): Promise<void>;
  /** The journal's files with how far they are synced. */
  journalFiles(): Promise<JournalFiles>;
  /** Merges segments as far as it goes. */
  compact(): Promise<void>;
  /** What retention by these rules would let go now; nothing is removed. */
  expired(
    rules: StorageOptions['retention'],
    streams: StorageOptions['streamRetention'],
  ): Promise<readonly Expired[]>;
  /** Lets go what is too old, or too much, by the rules that it was opened with. */
  expire(): Promise<void>;
  /** The position as of `asOfJson` (an `AsOf` of the plan algebra), or now. @throws VarveError QUERY_INVALID */
  position(asOfJson?: string): Promise<string>;
  readonly deletes: Deletes;
  close(): Promise<void>;
}

/** Opens the data directory; see {@link NativeStore.open} for what can go wrong. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  if (await isUnfinishedRestore(options.dataDir)) {
    const reason = `a restore to ${options.dataDir} did not come to its end; run it again, or empty the folder`;
    throw new VarveError('STORE_CORRUPT', reason);
  }
  const store = await NativeStore.open(options);
  return {
    checkRoom: () => {
      store.checkRoom();
    },
    append: (request) => store.append(request),
    query: (queryJson, signal) => store.query(queryJson, signal),
    sql: (requestJson, signal) => store.sql(requestJson, signal),
    status: () => store.status(),
    hold: (hold) => store.hold(hold),
    release: (name) => store.release(name),
    seal: () => store.seal(),
    pin: () => store.pin(),
    unpin: () => store.unpin(),
    journalFiles: () => store.journalFiles(),
    compact: () => store.compact(),
    expired: (rules, streams) => store.expired(rules, streams),
    expire: () => store.expire(),
    position: (asOfJson) => store.position(asOfJson),
    deletes: deletesOf(store),
    close: () => store.close(),
  };
}
