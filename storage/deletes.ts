import type { DeleteRequest, LabelMatch, MatchKind, NativeStore, NewDelete } from '../native/index.ts';
import type { TenantId } from './model/tenant.ts';

export type {
  DeleteRequest,
  LabelMatch,
  LineMatch,
  MatchKind,
  NewDelete,
  SpanField,
  SpanMatch,
} from '../native/index.ts';

/** How each operator of the query languages compares. */
export const matchKinds = {
  '=': 'equal',
  '!=': 'notEqual',
  '=~': 'regex',
  '!~': 'notRegex',
} as const satisfies Record<string, MatchKind>;

/** A label matcher of LogQL or PromQL. */
interface Matcher {
  readonly name: string;
  readonly op: keyof typeof matchKinds;
  readonly value: string;
}

/** A selector's matchers, as the store compares label sets for deletes and retention. */
export function labelMatches(matchers: readonly Matcher[]): LabelMatch[] {
  return matchers.map(({ name, op, value }) => ({ name, kind: matchKinds[op], value }));
}

/** Exact deletes: rows hidden at once, erased once they can no longer be cancelled, with a receipt. */
export interface Deletes {
  /**
   * Hides what matches from the next query on; durable when it resolves. About rows that are stored
   * now: later ones are not meant.
   *
   * @throws VarveError QUERY_INVALID, REGEX_INVALID, IO: nothing was changed
   */
  create(tenant: TenantId, what: NewDelete): Promise<DeleteRequest>;
  /** The newest first; of those that are done the last thousand of the store. */
  list(tenant: TenantId): Promise<readonly DeleteRequest[]>;
  /**
   * Shows the rows again.
   *
   * @throws VarveError QUERY_INVALID when there is no such request, or it is carried out already
   */
  cancel(tenant: TenantId, id: number): Promise<void>;
}

export function deletesOf(store: NativeStore): Deletes {
  return {
    create: (tenant, what) => store.createDelete(tenant, what),
    list: (tenant) => store.listDeletes(tenant),
    cancel: (tenant, id) => store.cancelDelete(tenant, id),
  };
}
