import type { IngestCode } from '../errors.ts';

interface OtlpStatus {
  readonly http: number;
  /** `google.rpc.Code`, in gRPC's answer and in the body of HTTP's. */
  readonly grpc: number;
}

const invalid = { http: 400, grpc: 3 };
const throttled = { http: 429, grpc: 8 };
const unavailable = { http: 503, grpc: 14 };
// Exporters give up on 500: only for what another try cannot help.
const fault = { http: 500, grpc: 13 };

/** What OTLP exporters see for each refusal (OTLP specification, "Failures"). */
export const otlpStatus = {
  BODY_INVALID: invalid,
  BODY_TOO_LARGE: { http: 413, grpc: 8 },
  BODY_ABORTED: invalid,
  ENCODING_UNSUPPORTED: { http: 415, grpc: 12 },
  MEDIA_TYPE_UNSUPPORTED: { http: 415, grpc: 3 },
  TENANT_INVALID: invalid,
  TENANT_MISSING: { http: 401, grpc: 16 },
  UNAUTHENTICATED: { http: 401, grpc: 16 },
  FORBIDDEN: { http: 403, grpc: 7 },
  TENANT_OVERLOADED: throttled,
  RATE_EXCEEDED: throttled,
  OVERLOADED: unavailable,
  READ_ONLY: unavailable,
  // With a RetryInfo, by which exporters know that there will be room again.
  DISK_FULL: { http: 503, grpc: 8 },
  APPEND_TIMEOUT: unavailable,
  CLOSED: unavailable,
  IO: unavailable,
  DATA_DIR_LOCKED: fault,
  SETTING_FIXED: fault,
  STORE_CORRUPT: fault,
  REGEX_INVALID: fault,
  HOLD_REFUSED: fault,
  QUERY_INVALID: fault,
  QUERY_EXECUTION: fault,
  QUERY_TIMEOUT: fault,
  QUERY_BUDGET: fault,
  QUERY_CANCELLED: fault,
  INTERNAL: fault,
} as const satisfies Record<IngestCode, OtlpStatus>;
