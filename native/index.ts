import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  CancelToken as AddonCancelToken,
  NativeStore as AddonStore,
  NativeSyslogDatagrams as AddonSyslogDatagrams,
  NativeSyslogFraming as AddonSyslogFraming,
  NativeUpkeep as AddonUpkeep,
} from './addon.d.ts';
import type { AppendRequest, Receipt } from './append.ts';
import type { JournalFiles, PinnedFiles } from './backup.ts';
import type { DeleteRequest, Expired, NewDelete } from './deletes.ts';
import { toVarveError, VarveError } from './errors.ts';
import type { QueryAnswer, SqlOutcome } from './queries.ts';
import type { NativeSettings, RetentionRule, StreamRetentionRule } from './settings.ts';
import type { StoreStatus } from './status.ts';
import type { CheckReport, RepairReport, UpkeepProgress } from './upkeep.ts';

export type { AppendRequest, BodyEncoding, BodyFormat, Receipt, Refusal } from './append.ts';
export type { JournalFiles, PinnedFiles } from './backup.ts';
export type {
  DeleteRequest,
  Expired,
  LabelMatch,
  LineMatch,
  MatchKind,
  NewDelete,
  SpanField,
  SpanMatch,
} from './deletes.ts';
export { type ErrorCode, VarveError } from './errors.ts';
export type { QueryAnswer, QueryStats, SqlAnswer, SqlOutcome } from './queries.ts';
export type {
  MetricTranslation,
  NativeSettings,
  RecordLimits,
  RetentionRule,
  StreamRetentionRule,
} from './settings.ts';
export type {
  HoldStatus,
  JournalStatus,
  PartitionStatus,
  StoreStatus,
  TableStatus,
  TenantActivity,
  ViewStatus,
} from './status.ts';
export type {
  CheckReport,
  Finding,
  LostRecords,
  Repaired,
  RepairReport,
  SegmentName,
  UpkeepProgress,
} from './upkeep.ts';

/** What shall stay in the log, and for how long. */
export interface NewHold {
  readonly name: string;
  /** Whom to ask about it. */
  readonly owner: string;
  readonly maxAgeMs: number;
  /** All that is there, or only what comes from now on. */
  readonly from: 'oldest' | 'tail';
}

/**
 * The store behind the binding. Every method answers with a promise, every rejection is a VarveError.
 */
export class NativeStore {
  readonly #store: AddonStore;

  private constructor(store: AddonStore) {
    this.#store = store;
  }

  /**
   * Locks the data directory, recovers the journal and the views.
   *
   * @throws VarveError DATA_DIR_LOCKED with the other process' id, SETTING_FIXED with both values, STORE_CORRUPT, IO
   */
  static async open(settings: NativeSettings): Promise<NativeStore> {
    const addon = loadAddon();
    return new NativeStore(await crossing(() => addon.NativeStore.open(JSON.stringify(settings))));
  }

  /**
   * Whether an append would be taken now. Asked before a body is read, so that one that would be refused is not.
   *
   * @throws VarveError OVERLOADED, CLOSED
   */
  checkRoom(): void {
    try {
      this.#store.checkRoom();
    } catch (thrown) {
      throw toVarveError(thrown);
    }
  }

  /**
   * Resolves once the accepted records are durable and can be queried. What a request stored before,
   * within `dedupeWindowMs`, is not stored again and counts as accepted.
   *
   * @throws VarveError BODY_INVALID, BODY_TOO_LARGE, OVERLOADED, READ_ONLY: nothing was stored
   */
  async append(request: AppendRequest): Promise<Receipt> {
    const { tenant, format, encoding, body, idempotencyKey, target } = request;
    return await crossing(() => this.#store.append(tenant, format, encoding, body, idempotencyKey, target));
  }

  /**
   * Runs a `Query` of the plan algebra, given as JSON. An abort cancels it.
   *
   * @throws VarveError QUERY_*, REGEX_INVALID
   */
  async query(queryJson: string, signal?: AbortSignal): Promise<QueryAnswer> {
    return await this.#cancellable(signal, (token) => this.#store.query(queryJson, token));
  }

  /**
   * Runs a `SqlRequest`, given as JSON. An abort cancels it.
   *
   * @throws VarveError QUERY_*; what is wrong with the statement itself is told in the outcome
   */
  async sql(requestJson: string, signal?: AbortSignal): Promise<SqlOutcome> {
    const { answer, refusal } = await this.#cancellable(signal, (token) =>
      this.#store.sql(requestJson, token),
    );
    if (answer !== undefined) return { kind: 'answered', ...answer };
    const { message = '', line, column } = refusal ?? {};
    const place = line === undefined || column === undefined ? undefined : { line, column };
    return { kind: 'refused', message, place };
  }

  async #cancellable<T>(
    signal: AbortSignal | undefined,
    work: (token: AddonCancelToken) => Promise<T>,
  ): Promise<T> {
    const token = await crossing(() => Promise.resolve(this.#store.cancelToken()));
    const cancel = (): void => {
      token.cancel();
    };
    if (signal?.aborted === true) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await crossing(() => work(token));
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** State of journal and views, for `/metrics` and status pages. */
  status(): StoreStatus {
    return JSON.parse(this.#store.status()) as StoreStatus;
  }

  /**
   * Keeps records of the log from being trimmed, for a while; a hold of that name is moved on, or its age
   * begins anew.
   *
   * @throws VarveError HOLD_REFUSED, READ_ONLY: everything is as it was
   */
  async hold({ name, owner, maxAgeMs, from }: NewHold): Promise<void> {
    await crossing(() => this.#store.hold(name, owner, maxAgeMs, from === 'tail'));
  }

  /** Lets a hold go; false if there is none of that name. */
  async release(name: string): Promise<boolean> {
    return await crossing(() => this.#store.release(name));
  }

  /** Seals memtables now, as the clock or their size would. */
  async seal(): Promise<void> {
    await crossing(() => this.#store.seal());
  }

  /**
   * Hides rows from the next query on, and erases them once they can no longer be cancelled.
   *
   * @throws VarveError QUERY_INVALID, REGEX_INVALID, TENANT_INVALID, IO: nothing was changed
   */
  async createDelete(tenant: string, what: NewDelete): Promise<DeleteRequest> {
    const json = await crossing(() => this.#store.createDelete(tenant, JSON.stringify(what)));
    return JSON.parse(json) as DeleteRequest;
  }

  /** A tenant's requests, the newest first. */
  async listDeletes(tenant: string): Promise<readonly DeleteRequest[]> {
    return JSON.parse(await crossing(() => this.#store.listDeletes(tenant))) as DeleteRequest[];
  }

  /**
   * Shows the rows again.
   *
   * @throws VarveError QUERY_INVALID when there is no such request, or it is carried out already
   */
  async cancelDelete(tenant: string, id: number): Promise<void> {
    await crossing(() => this.#store.cancelDelete(tenant, id));
  }

  /** What retention by these rules would let go now. */
  async expired(
    rules: readonly RetentionRule[],
    streams: readonly StreamRetentionRule[],
  ): Promise<readonly Expired[]> {
    const json = await crossing(() => this.#store.expired(JSON.stringify({ rules, streams })));
    return JSON.parse(json) as Expired[];
  }

  /** Lets go what is too old, or too much, by the store's own rules. @throws VarveError IO */
  async expire(): Promise<void> {
    await crossing(() => this.#store.expire());
  }

  /**
   * The position as of `asOfJson` (an `AsOf` of the plan algebra), or now.
   *
   * @throws VarveError QUERY_INVALID when there is none
   */
  async position(asOfJson?: string): Promise<string> {
    return await crossing(() => Promise.resolve(this.#store.position(asOfJson)));
  }

  /** Seals, and keeps the files that the manifest then names until {@link unpin}. */
  async pin(): Promise<PinnedFiles> {
    return JSON.parse(await crossing(() => this.#store.pin())) as PinnedFiles;
  }

  /** Lets them go. */
  async unpin(): Promise<void> {
    await crossing(() => this.#store.unpin());
  }

  /** The journal's files with how far they are synced. */
  async journalFiles(): Promise<JournalFiles> {
    return JSON.parse(await crossing(() => Promise.resolve(this.#store.journalFiles()))) as JournalFiles;
  }

  /** Merges segments as far as it goes, also where it does not pay yet. */
  async compact(): Promise<void> {
    await crossing(() => this.#store.compact());
  }

  /** Stops accepting, writes and syncs what was accepted, and gives the data directory free. */
  async close(): Promise<void> {
    await crossing(() => this.#store.close());
  }
}

/** A data directory that is looked after: locked, and nothing of it open. */
export class Upkeep {
  readonly #upkeep: AddonUpkeep;

  private constructor(upkeep: AddonUpkeep) {
    this.#upkeep = upkeep;
  }

  /** @throws VarveError DATA_DIR_LOCKED with the other process' id, IO where there is no such folder */
  static async open(settings: NativeSettings): Promise<Upkeep> {
    const { NativeUpkeep } = loadAddon();
    return new Upkeep(await crossing(() => NativeUpkeep.open(JSON.stringify(settings))));
  }

  /** Looks at every file that the manifest names. @throws VarveError TENANT_INVALID, IO: it could not be looked at */
  async check({ tenant, fast }: { readonly tenant?: string; readonly fast: boolean }): Promise<CheckReport> {
    return JSON.parse(await crossing(() => this.#upkeep.check(tenant, fast))) as CheckReport;
  }

  /** Mends what can be. @throws VarveError STORE_CORRUPT without a manifest, IO: it went no further */
  async repair({ dryRun }: { readonly dryRun: boolean }): Promise<RepairReport> {
    return JSON.parse(await crossing(() => this.#upkeep.repair(dryRun))) as RepairReport;
  }

  progress(): UpkeepProgress {
    return JSON.parse(this.#upkeep.progress()) as UpkeepProgress;
  }

  /** Gives the data directory free. */
  close(): void {
    this.#upkeep.close();
  }
}

/** Cuts the bytes of one connection into syslog messages; its bodies have the format `syslog`. */
export class SyslogFraming {
  readonly #framing: AddonSyslogFraming;

  /** `peerName`: from the certificate, empty without one. */
  constructor(messageMaxBytes: number, address: string, peerName: string) {
    this.#framing = new (loadAddon().NativeSyslogFraming)(messageMaxBytes, address, peerName);
  }

  /** The messages that are complete with this chunk; no bytes if none is. */
  push(chunk: Uint8Array): Buffer {
    return this.#framing.push(chunk);
  }

  /** The message in which the connection ended; no bytes if it ended between two. */
  finish(): Buffer {
    return this.#framing.finish();
  }
}

/** A UDP socket that native code reads; its bodies have the format `syslog`. */
export class SyslogDatagrams {
  readonly #datagrams: AddonSyslogDatagrams;

  private constructor(datagrams: AddonSyslogDatagrams) {
    this.#datagrams = datagrams;
  }

  /**
   * Opens the socket and starts reading. Of what is not taken at most `waitingMaxBytes` are kept.
   *
   * @throws VarveError IO
   */
  static async open(
    { host, port }: { readonly host: string; readonly port: number },
    {
      messageMaxBytes,
      waitingMaxBytes,
    }: { readonly messageMaxBytes: number; readonly waitingMaxBytes: number },
  ): Promise<SyslogDatagrams> {
    const { NativeSyslogDatagrams } = loadAddon();
    const open = () => NativeSyslogDatagrams.open(host, port, messageMaxBytes, waitingMaxBytes);
    return new SyslogDatagrams(await crossing(() => Promise.resolve(open())));
  }

  get port(): number {
    return this.#datagrams.port();
  }

  /** All datagrams there are, once there is one; null once the socket is closed and empty. */
  async take(): Promise<Buffer | null> {
    return await crossing(() => this.#datagrams.take());
  }

  /** Since the socket was opened; `dropped` came while too many bytes waited. */
  counts(): { readonly received: number; readonly dropped: number } {
    return this.#datagrams.counts();
  }

  /** Stops reading, after what the system holds already. */
  close(): void {
    this.#datagrams.close();
  }
}

interface Addon {
  readonly NativeStore: { open(settingsJson: string): Promise<AddonStore> };
  readonly NativeUpkeep: { open(settingsJson: string): Promise<AddonUpkeep> };
  readonly NativeSyslogFraming: new (
    messageMaxBytes: number,
    address: string,
    peerName: string,
  ) => AddonSyslogFraming;
  readonly NativeSyslogDatagrams: {
    open(host: string, port: number, messageMaxBytes: number, waitingMaxBytes: number): AddonSyslogDatagrams;
  };
}

async function crossing<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw toVarveError(thrown);
  }
}

/** The addon stands in `native/` of the package root, whether this runs from there or from `dist/native/`. */
function loadAddon(): Addon {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new VarveError('INTERNAL', 'no package.json above native/index; reinstall Varve');
    folder = parent;
  }
  const path = join(folder, 'native', 'varve.node');
  if (!existsSync(path))
    throw new VarveError('INTERNAL', `${path} is missing; run 'npm run setup' to build it`);
  return createRequire(import.meta.url)(path) as Addon;
}
