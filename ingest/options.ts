import type { TenantId } from '../storage/index.ts';

/** Limits of what senders may do; defaults live only in `cli/config/schema.ts`. */
export interface IngestOptions {
  /** Whose requests without `X-Scope-OrgID` are; null refuses them. */
  readonly tenantDefault: TenantId | null;
  /** The largest body as sent, still compressed. */
  readonly bodyMaxBytes: number;
  /** Bytes of request bodies held at once, over all tenants. */
  readonly inFlightMaxBytes: number;
  /** The same for one tenant. */
  readonly tenantInFlightMaxBytes: number;
  /** How long an append may wait for the disk. */
  readonly appendTimeoutMs: number;
  /** What a refused sender is told to wait. */
  readonly retryAfterSeconds: number;
}
