import type { TenantId } from '../storage/index.ts';

/** Limits of what senders may do; defaults live only in `cli/config/schema.ts`. */
export interface IngestOptions {
  /** Whose requests without `X-Scope-OrgID` are; null refuses them. */
  readonly tenantDefault: TenantId | null;
  /** Of every tenant that has none of its own. */
  readonly limits: RequestLimits;
  readonly tenantLimits: ReadonlyMap<string, RequestLimits>;
  /** Bytes of request bodies held at once, over all tenants. */
  readonly inFlightMaxBytes: number;
  /** How long an append may wait for the disk. */
  readonly appendTimeoutMs: number;
  /** What a refused sender is told to wait. */
  readonly retryAfterSeconds: number;
  /** Whose pages may send OTLP over HTTP; `*`: any. */
  readonly corsOrigins: readonly string[];
  readonly syslog: SyslogOptions;
}

/** What syslog's senders may do, who are never answered. */
export interface SyslogOptions {
  /** Whose messages are; null: nobody's, so that no port can be opened. */
  readonly tenant: TenantId | null;
  /** What is kept of one message. */
  readonly messageMaxBytes: number;
  /** Of messages that wait to be stored, for UDP and for streams each. */
  readonly waitingMaxBytes: number;
  /** Connections of one port at a time. */
  readonly connectionsMax: number;
}

/** What requests of one tenant are held against; what their records are is native code's. */
export interface RequestLimits {
  /** The largest body as sent, still compressed. */
  readonly bodyMaxBytes: number;
  /** Bytes of request bodies held at once. */
  readonly inFlightMaxBytes: number;
  /** After decompression; 0 = any rate. */
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
  /** 0 = any rate. */
  readonly recordsPerSecond: number;
  readonly burstRecords: number;
}

/** The limits in force for a tenant. */
export function limitsOf(
  { limits, tenantLimits }: Pick<IngestOptions, 'limits' | 'tenantLimits'>,
  tenant: string,
): RequestLimits {
  return tenantLimits.get(tenant) ?? limits;
}
