import {
  type AppendRequest,
  NativeStore,
  type QueryAnswer,
  type Receipt,
  type StoreStatus,
} from '../native/index.ts';
import type { StorageOptions } from './options.ts';

export {
  type AppendRequest,
  type BodyEncoding,
  type BodyFormat,
  type ErrorCode,
  type QueryAnswer,
  type QueryStats,
  type Receipt,
  type Refusal,
  type StoreStatus,
  VarveError,
} from '../native/index.ts';
export { parseTenant, type TenantId } from './model/tenant.ts';
export type { StorageOptions } from './options.ts';

/** Where records go and what queries run on. */
export interface Storage {
  append(request: AppendRequest): Promise<Receipt>;
  /** `queryJson` is a `Query` of the plan algebra (`search/plan/generated.ts`). */
  query(queryJson: string, signal?: AbortSignal): Promise<QueryAnswer>;
  status(): StoreStatus;
  seal(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the data directory; see {@link NativeStore.open} for what can go wrong. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  return await NativeStore.open(options);
}
