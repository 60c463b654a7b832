import { IngestError } from './errors.ts';
import { type IngestOptions, limitsOf } from './options.ts';

/**
 * A bucket that may be overdrawn: a request is taken while anything is left and then pays its whole
 * cost, so that one larger than the burst still gets through, and the rate holds in the long run.
 */
class Bucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #atMs: number;

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#atMs = nowMs;
  }

  pay(cost: number): void {
    this.#left -= cost;
  }

  /** Milliseconds until something is left again; 0 now. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return this.#left > 0 ? 0 : Math.ceil(((1 - this.#left) / this.#perSecond) * 1_000);
  }

  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#left >= this.#burst;
  }

  #fill(nowMs: number): void {
    // A clock that was set back fills nothing.
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#left = Math.min(this.#burst, this.#left + (elapsedMs * this.#perSecond) / 1_000);
  }
}

interface Buckets {
  readonly bytes: Bucket | undefined;
  readonly records: Bucket | undefined;
}

/** Past so many tenants those at rest are forgotten. */
const tenantsMax = 10_000;

/** Holds each tenant to its bytes and records per second. */
export class RateLimiter {
  readonly #options: Pick<IngestOptions, 'limits' | 'tenantLimits'>;
  readonly #clock: () => number;
  readonly #tenants = new Map<string, Buckets>();

  /** `clock`: milliseconds from any start. */
  constructor(options: Pick<IngestOptions, 'limits' | 'tenantLimits'>, clock: () => number) {
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * Whether the tenant may send something now.
   *
   * @throws IngestError RATE_EXCEEDED with the time after which it may again
   */
  check(tenant: string): void {
    const { bytes, records } = this.#bucketsOf(tenant);
    const limits = limitsOf(this.#options, tenant);
    const nowMs = this.#clock();
    const [bytesMs, recordsMs] = [bytes?.waitMs(nowMs) ?? 0, records?.waitMs(nowMs) ?? 0];
    if (bytesMs > 0 && bytesMs >= recordsMs) {
      throw exceeded(
        `tenant ${tenant}: ingest rate ${mebibytes(limits.bytesPerSecond)}/s exceeded; raise limits.ingest_bytes_per_second`,
        bytesMs,
      );
    }
    if (recordsMs > 0) {
      throw exceeded(
        `tenant ${tenant}: ingest rate ${limits.recordsPerSecond} records/s exceeded; raise limits.ingest_records_per_second`,
        recordsMs,
      );
    }
  }

  /** Counts what was taken. */
  pay(tenant: string, cost: { readonly bytes: number; readonly records: number }): void {
    const { bytes, records } = this.#bucketsOf(tenant);
    bytes?.pay(cost.bytes);
    records?.pay(cost.records);
  }

  #bucketsOf(tenant: string): Buckets {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const nowMs = this.#clock();
    if (this.#tenants.size >= tenantsMax) this.#forgetThoseAtRest(nowMs);
    const { bytesPerSecond, burstBytes, recordsPerSecond, burstRecords } = limitsOf(this.#options, tenant);
    const buckets = {
      bytes: bytesPerSecond === 0 ? undefined : new Bucket(bytesPerSecond, burstBytes, nowMs),
      records: recordsPerSecond === 0 ? undefined : new Bucket(recordsPerSecond, burstRecords, nowMs),
    };
    this.#tenants.set(tenant, buckets);
    return buckets;
  }

  #forgetThoseAtRest(nowMs: number): void {
    for (const [tenant, { bytes, records }] of this.#tenants)
      if (bytes?.isFull(nowMs) !== false && records?.isFull(nowMs) !== false) this.#tenants.delete(tenant);
  }
}

function exceeded(message: string, waitMs: number): IngestError {
  return new IngestError('RATE_EXCEEDED', message, { retryAfterSeconds: Math.ceil(waitMs / 1_000) });
}

function mebibytes(bytes: number): string {
  const MiB = 1024 * 1024;
  return bytes >= MiB ? `${Number((bytes / MiB).toFixed(2))} MiB` : `${bytes} bytes`;
}
